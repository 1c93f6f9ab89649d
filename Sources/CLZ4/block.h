/* What unpacking a kernel needs of LZ4 (Debian's liblz4-dev): a block at a time, with LZ4_decompress_safe(3). */
#pragma once

#include <lz4.h>
