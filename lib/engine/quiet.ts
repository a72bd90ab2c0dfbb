/**
 * TensorFlow's C library says on stderr, from its static initialisers, that oneDNN is on, before it reads any setting
 * that would silence it. A small addon, built next to the binding, loads the library first with stderr turned away.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bindingWithin } from './places.js';

/** Exports `load(path)`: whether the shared library was loaded. POSIX, and without TensorFlow itself. */
export const QUIET_SOURCE = `
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static napi_value Load(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value path;
  char text[4096];
  size_t length = 0;
  napi_value loaded;
  napi_get_boolean(env, false, &loaded);
  if (napi_get_cb_info(env, info, &count, &path, nullptr, nullptr) != napi_ok || count != 1) return loaded;
  if (napi_get_value_string_utf8(env, path, text, sizeof text, &length) != napi_ok) return loaded;
  const int standard_error = dup(2);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (standard_error >= 0 && nowhere >= 0) dup2(nowhere, 2);
  void* library = dlopen(text, RTLD_NOW | RTLD_LOCAL);
  if (standard_error >= 0) dup2(standard_error, 2);
  if (nowhere >= 0) close(nowhere);
  if (standard_error >= 0) close(standard_error);
  napi_get_boolean(env, library != nullptr, &loaded);
  return loaded;
}

NAPI_MODULE_INIT() {
  napi_value load;
  if (napi_create_function(env, "load", NAPI_AUTO_LENGTH, Load, nullptr, &load) != napi_ok) return exports;
  napi_set_named_property(env, exports, "load", load);
  return exports;
}
`;

/** Where the addon lies beside the package's binding. */
export function quietWithin(packageDirectory: string): string {
  return join(dirname(bindingWithin(packageDirectory)), 'quiet.node');
}

/**
 * Loads the libraries that `compileBinding` linked without their greeting. Nothing where the addon is absent (the prebuilt
 * binding) or the person asked for TensorFlow's log by setting TF_CPP_MIN_LOG_LEVEL=0.
 */
export function loadQuietly(packageDirectory: string): void {
  const addon = quietWithin(packageDirectory);
  if (process.env.TF_CPP_MIN_LOG_LEVEL === '0' || !existsSync(addon)) return;
  const { load }: { load(path: string): boolean } = createRequire(import.meta.url)(addon);
  for (const name of ['libtensorflow_framework.so.2', 'libtensorflow_framework.2.dylib']) {
    const library = join(packageDirectory, '..', '..', '..', 'tensorflow', name);
    // A library that does not load is reported, with its reason, when the binding asks for it.
    if (existsSync(library)) load(library);
  }
}
