// Makes one frame after the other out of a row of them: each run overwrites what the kernel hands it, and sends it.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bench/compare/frame_source.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);  // as many as there are, by the time it is loaded
    __type(key, __u32);
    __type(value, struct frame);
} frames SEC(".maps");

static __u32 next;  // one CPU sends

SEC("xdp")
int send_next(struct xdp_md* context) {
    const struct frame* frame = bpf_map_lookup_elem(&frames, &next);
    if (!frame) {
        next = 0;
        frame = bpf_map_lookup_elem(&frames, &next);
        if (!frame) return XDP_ABORTED;
    }
    ++next;
    const __u32 length = frame->length & (sizeof frame->bytes - 1);  // which the verifier understands
    if (length == 0) return XDP_ABORTED;
    return bpf_xdp_store_bytes(context, 0, (void*)frame->bytes, length) == 0 ? XDP_TX : XDP_ABORTED;
}

// None of the kernel functions called here asks for the GPL.
char _license[] SEC("license") = "Apache-2.0";
