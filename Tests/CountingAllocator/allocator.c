/* Memory is taken from one stretch, from bottom to top, and never given back: the program lives for seconds. */
#define _GNU_SOURCE
#include "CountingAllocator.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { ALIGNMENT = 16, STRETCH = 256 << 20 };

static _Alignas(4096) char stretch[STRETCH];
static atomic_size_t used;
static atomic_long counted;

long vcpu_allocations(void) { return counted; }

void allocate(void) {
  void *volatile memory = malloc(1);
  free(memory);
}

static void *take(size_t alignment, size_t size) {
  char name[16] = "";
  if (prctl(PR_GET_NAME, name) == 0 && strncmp(name, "vcpu", 4) == 0) counted++;
  if (alignment < ALIGNMENT) alignment = ALIGNMENT;
  /* The size stands in front of the memory, for realloc. */
  size_t room = size + alignment + ALIGNMENT;
  size_t start = atomic_fetch_add(&used, (room + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
  if (start + room > STRETCH) {
    errno = ENOMEM;
    return NULL;
  }
  char *memory = (char *)(((uintptr_t)stretch + start + ALIGNMENT + alignment - 1) & ~(alignment - 1));
  ((size_t *)memory)[-1] = size;
  return memory;
}

size_t malloc_usable_size(void *memory) { return memory == NULL ? 0 : ((size_t *)memory)[-1]; }
void *malloc(size_t size) { return take(ALIGNMENT, size); }
void *memalign(size_t alignment, size_t size) { return take(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return take(alignment, size); }
void *valloc(size_t size) { return take(4096, size); }
void free(void *memory) { (void)memory; }

/* What was never used before is zero. */
void *calloc(size_t items, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(items, size, &bytes)) return NULL;
  return take(ALIGNMENT, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = take(alignment, size);
  return *memory == NULL ? ENOMEM : 0;
}

void *realloc(void *memory, size_t size) {
  void *larger = take(ALIGNMENT, size);
  size_t old = malloc_usable_size(memory);
  if (larger != NULL && old > 0) memcpy(larger, memory, old < size ? old : size);
  return larger;
}

/* Beside malloc in the C library's archive, so it has to be here too; there is one heap only. */
int mallopt(int parameter, int value) {
  (void)parameter;
  (void)value;
  return 1;
}
