#include "CKVM.h"

/* The vCPU of the thread. */
static __thread struct kvm_run *running;

static void kick(int signal) {
  (void)signal;
  if (running) ckvm_set_immediate_exit(running, 1);
}

void ckvm_install_kick_handler(void) {
  /* Without SA_RESTART, so that every interruptible call of the thread ends, not just KVM_RUN. */
  struct sigaction action = {.sa_handler = kick};
  sigaction(ckvm_kick_signal(), &action, NULL);
}

void ckvm_exit_at_kicks(struct kvm_run *run) { running = run; }
