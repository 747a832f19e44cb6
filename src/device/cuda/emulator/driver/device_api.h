/* The driver's functions of errors, versions and devices. */
#pragma once

#include "context.h"

EXPORT int cuGetErrorName(int code, const char **text);
EXPORT int cuGetErrorName(int code, const char **text)
{
  *text = NULL;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].code == code) *text = errors[i].name;
  }
  return *text != NULL ? SUCCESS : INVALID_VALUE;
}

/* With what the kernel did, where one went wrong: more than a GPU says. */
EXPORT int cuGetErrorString(int code, const char **text);
EXPORT int cuGetErrorString(int code, const char **text)
{
  static char explained[sizeof problem + 128];
  *text = NULL;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].code == code) *text = errors[i].text;
  }
  if (*text == NULL) return INVALID_VALUE;
  if (code == poison && problem[0] != 0) {
    snprintf(explained, sizeof explained, "%s: %s", *text, problem);
    *text = explained;
  }
  return SUCCESS;
}

EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDriverGetVersion(int *version)
{
  BEGIN("cuDriverGetVersion", "%s", "");
  *version = gpu.version;
  return finish(&call, SUCCESS);
}

EXPORT int cuInit(u32 flags);
EXPORT int cuInit(u32 flags)
{
  BEGIN("cuInit", "flags=%u", flags);
  REQUIRE(flags == 0, INVALID_VALUE);
  REQUIRE(gpu.n_devices > 0, NO_DEVICE);
  is_initialized = 1;
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGetCount(int *count);
EXPORT int cuDeviceGetCount(int *count)
{
  BEGIN("cuDeviceGetCount", "%s", "");
  REQUIRE(is_initialized, NOT_INITIALIZED);
  *count = gpu.n_devices;
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGet(int *device, int ordinal);
EXPORT int cuDeviceGet(int *device, int ordinal)
{
  BEGIN("cuDeviceGet", "ordinal=%d", ordinal);
  ANY_DEVICE(ordinal);
  *device = ordinal;
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGetName(char *name, int bytes, int device);
EXPORT int cuDeviceGetName(char *name, int bytes, int device)
{
  BEGIN("cuDeviceGetName", "device=%d", device);
  ANY_DEVICE(device);
  snprintf(name, (size_t)bytes, "emulated GPU");
  return finish(&call, SUCCESS);
}

EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device);
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device)
{
  BEGIN("cuDeviceGetAttribute", "attribute=%d", attribute);
  ANY_DEVICE(device);
  switch (attribute) {
  case 16: *value = gpu.n_multiprocessors; break;
  case 75: *value = gpu.major; break;
  case 76: *value = gpu.minor; break;
  case 102: *value = gpu.maps_memory; break;
  default: return finish(&call, INVALID_VALUE);
  }
  return finish(&call, SUCCESS);
}
