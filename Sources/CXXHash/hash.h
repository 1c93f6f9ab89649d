/* What finding an unpacked kernel needs of xxHash (Debian's libxxhash-dev): XXH3 of 128 bits over a file's pieces. */
#pragma once

#include <xxhash.h>
