// The symbols that compiled Swift expects from a C library, and no others.
#include <stddef.h>
#include <stdint.h>

// Eight bytes at a time: where ring 0 is emulated, a string instruction is charged by its repetitions.
void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  void *start = to;
  size_t words = count / 8, bytes = count % 8;
  __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
  return start;
}

void *memset(void *to, int value, size_t count) {
  void *start = to;
  size_t words = count / 8, bytes = count % 8;
  uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
  __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(pattern) : "memory");
  return start;
}

void *memmove(void *to, const void *from, size_t count) {
  // Forwards is right unless the target begins inside the source.
  if ((uintptr_t)to - (uintptr_t)from >= count) return memcpy(to, from, count);
  unsigned char *target = to;
  const unsigned char *source = from;
  while (count--) target[count] = source[count];
  return to;
}

int memcmp(const void *left, const void *right, size_t count) {
  const unsigned char *a = left, *b = right;
  for (; count; count--, a++, b++)
    if (*a != *b) return *a - *b;
  return 0;
}

// The heap: handed out once, never taken back. A guest lives for seconds and allocates at its start, if at
// all.
static unsigned char heap[256 * 1024];
static size_t heap_used;

enum { out_of_memory = 12 };  // ENOMEM

int posix_memalign(void **result, size_t alignment, size_t count) {
  uintptr_t base = (uintptr_t)heap;
  uintptr_t start = (base + heap_used + alignment - 1) & ~(uintptr_t)(alignment - 1);
  if (count > sizeof heap || start - base > sizeof heap - count) return out_of_memory;
  heap_used = start - base + count;
  *result = (void *)start;
  return 0;
}

void free(void *block) { (void)block; }
