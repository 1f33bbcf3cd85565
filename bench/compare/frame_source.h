// What the source of frames and its part in the kernel share: C, for both.
#pragma once

#include <linux/types.h>

struct frame {
    __u32 length;  // less than there is room
    unsigned char bytes[256];
};
