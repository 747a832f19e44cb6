/**
 * The functions of NVIDIA's driver that Kerf calls, as cuda.h declares them. Handles and device addresses
 * are u64; a `buffer` is what the driver reads from or writes to. Names carry the version that cuda.h
 * defines for the plain name, except cuEventElapsedTime, whose second version is newer than CUDA 12.0.
 */

/** What can be asked of a driver of any age: how old it is, and what it sees. */
export const FIRST_SYMBOLS = {
  cuInit: { parameters: ["u32"], result: "i32" },
  cuDriverGetVersion: { parameters: ["buffer"], result: "i32" },
  cuDeviceGetCount: { parameters: ["buffer"], result: "i32" },
  cuGetErrorName: { parameters: ["i32", "buffer"], result: "i32" },
  cuGetErrorString: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

/** Everything; a driver from CUDA 12.0 on has all of them. */
export const SYMBOLS = {
  ...FIRST_SYMBOLS,

  // The device: (device out, ordinal), (text out, bytes, device), (value out, attribute, device).
  cuDeviceGet: { parameters: ["buffer", "i32"], result: "i32" },
  cuDeviceGetName: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  cuDeviceGetAttribute: { parameters: ["buffer", "i32", "i32"], result: "i32" },

  // Its primary context, and the one of this thread.
  cuDevicePrimaryCtxRetain: { parameters: ["buffer", "i32"], result: "i32" },
  cuDevicePrimaryCtxRelease_v2: { parameters: ["i32"], result: "i32" },
  cuCtxSetCurrent: { parameters: ["u64"], result: "i32" },

  // Streams and events: (handle out, flags), then the handle.
  cuStreamCreate: { parameters: ["buffer", "u32"], result: "i32" },
  cuStreamDestroy_v2: { parameters: ["u64"], result: "i32" },
  cuStreamQuery: { parameters: ["u64"], result: "i32" },
  cuStreamSynchronize: { parameters: ["u64"], result: "i32" },
  cuEventCreate: { parameters: ["buffer", "u32"], result: "i32" },
  cuEventDestroy_v2: { parameters: ["u64"], result: "i32" },
  cuEventRecord: { parameters: ["u64", "u64"], result: "i32" },
  cuEventElapsedTime: { parameters: ["buffer", "u64", "u64"], result: "i32" },

  // Memory: (free out, total out), (address out, bytes); the last argument of a copy is the stream.
  cuMemGetInfo_v2: { parameters: ["buffer", "buffer"], result: "i32" },
  cuMemAlloc_v2: { parameters: ["buffer", "u64"], result: "i32" },
  cuMemFree_v2: { parameters: ["u64"], result: "i32" },
  cuMemsetD8Async: { parameters: ["u64", "u8", "u64", "u64"], result: "i32" },
  cuMemcpyHtoDAsync_v2: { parameters: ["u64", "buffer", "u64", "u64"], result: "i32" },
  cuMemcpyDtoHAsync_v2: { parameters: ["buffer", "u64", "u64", "u64"], result: "i32" },
  cuMemcpyDtoDAsync_v2: { parameters: ["u64", "u64", "u64", "u64"], result: "i32" },

  // Addresses first, memory behind them later: (bytes out, properties, which), (address out, bytes,
  // alignment, wish, flags), (handle out, bytes, properties, flags), (address, bytes, offset, handle, flags).
  cuMemGetAllocationGranularity: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
  cuMemAddressReserve: { parameters: ["buffer", "u64", "u64", "u64", "u64"], result: "i32" },
  cuMemAddressFree: { parameters: ["u64", "u64"], result: "i32" },
  cuMemCreate: { parameters: ["buffer", "u64", "buffer", "u64"], result: "i32" },
  cuMemRelease: { parameters: ["u64"], result: "i32" },
  cuMemMap: { parameters: ["u64", "u64", "u64", "u64", "u64"], result: "i32" },
  cuMemUnmap: { parameters: ["u64", "u64"], result: "i32" },
  cuMemSetAccess: { parameters: ["u64", "u64", "buffer", "u64"], result: "i32" },

  // Kernels: (module out, cubin), (function out, module, name), (function, which, value), (blocks out,
  // function, threads, bytes of shared memory), (function, grid xyz, block xyz, bytes of shared memory,
  // stream, parameters, extra).
  cuModuleLoadData: { parameters: ["buffer", "buffer"], result: "i32" },
  cuModuleUnload: { parameters: ["u64"], result: "i32" },
  cuModuleGetFunction: { parameters: ["buffer", "u64", "buffer"], result: "i32" },
  cuFuncSetAttribute: { parameters: ["u64", "i32", "i32"], result: "i32" },
  cuOccupancyMaxActiveBlocksPerMultiprocessor: {
    parameters: ["buffer", "u64", "i32", "u64"],
    result: "i32",
  },
  cuLaunchKernel: {
    parameters: [
      ...["u64", "u32", "u32", "u32", "u32", "u32", "u32", "u32", "u64", "u64", "buffer"] as const,
    ],
    result: "i32",
  },

  // Graphs: (graph out, flags), (node out, graph, nodes before, how many, parameters), (executable out,
  // graph, flags), (executable, stream).
  cuGraphCreate: { parameters: ["buffer", "u32"], result: "i32" },
  cuGraphDestroy: { parameters: ["u64"], result: "i32" },
  cuGraphAddKernelNode_v2: {
    parameters: ["buffer", "u64", "buffer", "u64", "buffer"],
    result: "i32",
  },
  cuGraphInstantiateWithFlags: { parameters: ["buffer", "u64", "u64"], result: "i32" },
  cuGraphExecDestroy: { parameters: ["u64"], result: "i32" },
  cuGraphLaunch: { parameters: ["u64", "u64"], result: "i32" },
} as const;

/** The C library's, which every library links: addresses of buffers, and texts at addresses. */
export const C_SYMBOLS = {
  /** Moving nothing, it returns the address of a buffer. */
  memmove: { parameters: ["buffer", "buffer", "usize"], result: "u64" },
  strncpy: { parameters: ["buffer", "u64", "usize"], result: "u64" },
} as const;

/** CUresult, CUdevice_attribute and flags, by cuda.h's names without their prefix. */
export const CUDA = Object.freeze({
  ERROR_OUT_OF_MEMORY: 2,
  ERROR_NO_DEVICE: 100,
  ERROR_INVALID_IMAGE: 200,
  ERROR_NO_BINARY_FOR_GPU: 209,
  ERROR_UNSUPPORTED_PTX_VERSION: 222,
  ERROR_NOT_READY: 600,
  DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: 16,
  DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: 75,
  DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: 76,
  DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED: 102,
  FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: 8,
  STREAM_NON_BLOCKING: 1,
  EVENT_DEFAULT: 0,
  MEM_ALLOCATION_TYPE_PINNED: 1,
  MEM_LOCATION_TYPE_DEVICE: 1,
  MEM_ACCESS_FLAGS_PROT_READWRITE: 3,
  MEM_ALLOC_GRANULARITY_RECOMMENDED: 1,
  LAUNCH_PARAM_END: 0,
  LAUNCH_PARAM_BUFFER_POINTER: 1,
  LAUNCH_PARAM_BUFFER_SIZE: 2,
});
