/* Processes, threads, the CPUs that they run on, and their clocks and timers. */
#define _GNU_SOURCE
#include "CLinux.h"
#include "result.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int linux_process(pid_t process) { return result(syscall(SYS_pidfd_open, process, 0)); }
int linux_signal_process(int process, int signal) {
  return result(syscall(SYS_pidfd_send_signal, process, signal, NULL, 0));
}
int linux_new_session(void) { return result(setsid()); }
int linux_replace(int fd, int place) { return result(dup2(fd, place)); }

int linux_set_affinity(const int32_t *cpus, int count) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int i = 0; i < count; i++) {
    if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE) return -EINVAL;
    CPU_SET(cpus[i], &set);
  }
  return result(sched_setaffinity(0, sizeof set, &set));
}
int linux_set_thread_name(const char *name) { return result(prctl(PR_SET_NAME, name)); }
int linux_die_with_parent(int signal) { return result(prctl(PR_SET_PDEATHSIG, signal)); }
int linux_send_thread_signal(pthread_t thread, int signal) { return -pthread_kill(thread, signal); }
int linux_block_signals(const sigset_t *mask) { return -pthread_sigmask(SIG_BLOCK, mask, NULL); }

int linux_thread_timer(int clock, int signal) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal};
  event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
  int timer = 0;
  return syscall(SYS_timer_create, clock, &event, &timer) < 0 ? -errno : timer;
}
int linux_thread_timer_arm(int timer, uint64_t after_ns) {
  struct itimerspec when = {.it_value = timespec_from(after_ns)};
  return result(syscall(SYS_timer_settime, timer, 0, &when, NULL));
}
int linux_thread_timer_delete(int timer) { return result(syscall(SYS_timer_delete, timer)); }
int linux_set_timer_slack(uint64_t ns) { return result(prctl(PR_SET_TIMERSLACK, (unsigned long)ns)); }

int linux_sleep_until(uint64_t deadline_ns, int signal) {
  sigset_t mask;
  int error = pthread_sigmask(SIG_BLOCK, NULL, &mask);
  if (error != 0) return -error;
  sigdelset(&mask, signal);
  uint64_t now = linux_monotonic_ns();
  struct timespec left = timespec_from(deadline_ns > now ? deadline_ns - now : 0);
  return result(ppoll(NULL, 0, &left, &mask));
}
int linux_set_blocked(int signal, int is_blocked) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return -pthread_sigmask(is_blocked ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int linux_block_signals_but(int signal) {
  sigset_t set;
  sigfillset(&set);
  sigdelset(&set, signal);
  return -pthread_sigmask(SIG_SETMASK, &set, NULL);
}

int linux_allowed_cpus(int32_t *cpus, int capacity) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return -errno;
  int count = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && count < capacity; cpu++) {
    if (CPU_ISSET(cpu, &set)) cpus[count++] = cpu;
  }
  return count;
}
int64_t linux_voluntary_switches(void) {
  struct rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) < 0 ? -errno : (int64_t)usage.ru_nvcsw;
}
int linux_cpu_count(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec now = {0};
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

uint64_t linux_monotonic_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t linux_realtime_ns(void) { return nanoseconds(CLOCK_REALTIME); }
uint64_t linux_thread_cpu_ns(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
uint64_t linux_process_cpu_ns(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

uint64_t linux_other_thread_cpu_ns(pthread_t thread) {
  clockid_t clock;
  return pthread_getcpuclockid(thread, &clock) == 0 ? nanoseconds(clock) : 0;
}
