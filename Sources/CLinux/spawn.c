/* Starting and collecting a child. It is C because between vfork and exec the child runs in its parent's memory, where
 * nothing but system calls may happen; posix_spawn(3) would do, but cannot tie the child's life to its parent's. */
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *path, char *const arguments[], const int descriptors[], int count,
                   const sigset_t *defaults, int is_tied, pid_t parent) {
  /* The setting survives exec. A parent that ended before it was made has left this process to another one. */
  if (is_tied && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return;
  if (is_tied && getppid() != parent) _exit(1);
  /* First all out of the way, so that no place is taken while its old content is still wanted. */
  int moved[LINUX_SPAWN_DESCRIPTORS_MAX];
  for (int i = 0; i < count; i++) {
    if ((moved[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, count)) < 0) return;
  }
  for (int i = 0; i < count; i++) {
    if (dup2(moved[i], i) < 0) return;
  }
  /* Also what this process was itself started with and knows nothing of. Before Linux 5.9 the call is missing; then only
   * what is open without FD_CLOEXEC goes along. */
  close_range((unsigned)count, ~0u, 0);
  for (int signal = 1; signal < NSIG; signal++) {
    if (sigismember(defaults, signal) == 1) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execv(path, arguments);
}

int linux_spawn(const char *path, char *const arguments[], const int descriptors[], int count, const sigset_t *defaults,
                int is_tied) {
  if (count > LINUX_SPAWN_DESCRIPTORS_MAX) return -EINVAL;
  volatile int error = 0;
  pid_t parent = getpid();
  pid_t child = vfork();
  if (child < 0) return -errno;
  if (child == 0) {
    become(path, arguments, descriptors, count, defaults, is_tied, parent);
    error = errno; /* The parent, which waits for exec or exit, sees it: the memory is one. */
    _exit(127);
  }
  if (error == 0) return child;
  waitpid(child, NULL, 0);
  return -error;
}

static uint64_t nanoseconds(struct timeval time) {
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

int linux_collect(pid_t child, struct linux_child_end *end) {
  int status;
  struct rusage usage;
  pid_t r = wait4(child, &status, WNOHANG, &usage);
  if (r < 0) return -errno;
  if (r == 0) return 0;
  *end = (struct linux_child_end){
      .exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
      .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
      .user_ns = nanoseconds(usage.ru_utime),
      .system_ns = nanoseconds(usage.ru_stime),
      .peak_resident_bytes = (uint64_t)usage.ru_maxrss << 10,
      .minor_faults = (uint64_t)usage.ru_minflt,
      .major_faults = (uint64_t)usage.ru_majflt};
  return 1;
}
