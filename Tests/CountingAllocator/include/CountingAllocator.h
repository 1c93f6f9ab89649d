/* Replaces the C library's allocator by one that counts, in a program that is linked with this and statically. */
#pragma once

/* How often threads have allocated whose name begins with "vcpu". */
long vcpu_allocations(void);

/* Allocates once, whatever a compiler thinks of it. */
void allocate(void);
