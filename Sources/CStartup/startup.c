/* Two of the Swift runtime's functions, for programs that are linked statically: the linker takes the runtime's own only
 * where nobody else has them, and with them what they do before main(), which a guest's start would wait for.
 *
 * The runtime's CommandLine.cpp cannot know where the arguments are, so it reads /proc/self/maps, finds the stack and
 * looks through it. The C library hands them to every initializer (its csu/libc-start.c, call_init).
 *
 * The runtime's Backtrace.cpp looks in nine places for a program that shows where another has crashed. There is none
 * beside these, and a VMM that a guest has brought down should start none. */
#include "CStartup.h"

#include <features.h>
#include <stddef.h>

#ifdef ROWHOUSE_STARTUP

#ifdef __GLIBC__ /* others hand nothing to initializers */

static int word_count;
static char **words;

__attribute__((constructor)) static void keep_arguments(int count, char **arguments) {
  word_count = count;
  words = arguments;
}

char **_swift_stdlib_getUnsafeArgvArgc(int *count) {
  *count = word_count;
  return words;
}

#endif

char *swift_copyAuxiliaryExecutablePath(const char *name) {
  (void)name;
  return NULL;
}

#endif
