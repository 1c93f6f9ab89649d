#include "CKVM.h"

static void ignore(int signal) { (void)signal; }

void ckvm_install_kick_handler(void) {
  /* Without SA_RESTART, so that every interruptible call of the thread ends, not just KVM_RUN. */
  struct sigaction action = {.sa_handler = ignore};
  sigaction(ckvm_kick_signal(), &action, NULL);
}
