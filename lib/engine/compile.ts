/** Builds tfjs-node's binding against a TensorFlow C library. */

import { readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { TascnetError, throwIfAborted } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';
import { runCommand } from './command.js';
import { bindingWithin } from './places.js';
import { QUIET_SOURCE, quietWithin } from './quiet.js';
import { installCommand } from './system-packages.js';

interface Context {
  signal?: AbortSignal | undefined;
}

/**
 * The command of a C++ compiler.
 * @throws TascnetError when there is none, with the packages to install.
 */
export async function findCompiler(context: Context): Promise<string> {
  for (const name of [process.env.CXX, 'c++', 'g++', 'clang++']) {
    if (name === undefined) continue;
    const { code } = await runCommand(name, ['--version'], context);
    throwIfAborted(context.signal);
    if (code === 0) return name;
  }
  throw new TascnetError(
    "No C++ compiler was found (tried CXX, c++, g++, clang++); TensorFlow's binding is built with one.",
    {
      hint: `Install one: ${installCommand('compiler')}; or set CXX to its path.`,
    },
  );
}

/**
 * Compiles `binding/*.cc` of the package to its `tfjs_binding.node`, linked by a relative path to the libraries in
 * `libraries` (the wheel's `tensorflow` directory), so that the whole may be moved.
 * @throws TascnetError with the compiler's first error.
 */
export async function compileBinding(
  compiler: string,
  packageDirectory: string,
  libraries: string,
  context: Context,
): Promise<void> {
  const output = bindingWithin(packageDirectory);
  makeFolders(dirname(output));
  const linked = (await readdir(libraries)).filter((file) => /^libtensorflow_(cc|framework)\./.test(file));
  const origin = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const args = [
    ...sharedFlags(),
    ...[packageDirectory, join(libraries, 'include')].flatMap((path) => ['-I', path]),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(packageDirectory, 'binding', file)),
    ...linked.map((file) => join(libraries, file)),
    `-Wl,-rpath,${origin}/${relative(dirname(output), libraries)}`,
    ...['-o', output],
  ];
  const { code, stderr } = await runCommand(compiler, args, context);
  throwIfAborted(context.signal);
  if (code === 0) return;
  const reason = stderr.split('\n').find((line) => /error|undefined reference/i.test(line)) ?? `it ended with ${code}`;
  throw new TascnetError(`TensorFlow's binding could not be built with ${compiler}: ${reason.trim()}`, {
    hint: 'A compiler for C++17 is needed (g++ 9 or clang 10, or later); set CXX to choose another one.',
  });
}

/** Builds the addon of quiet.ts beside the binding; without it TensorFlow is only more talkative. */
export async function compileQuiet(compiler: string, packageDirectory: string, context: Context): Promise<void> {
  const output = quietWithin(packageDirectory);
  const source = `${output}.cc`;
  await writeFile(source, QUIET_SOURCE);
  await runCommand(compiler, [...sharedFlags(), source, '-o', output], context);
  await rm(source);
  throwIfAborted(context.signal);
}

function sharedFlags(): string[] {
  const headers = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
  return [
    ...['-std=c++17', '-O2', '-fPIC', '-shared', '-DNAPI_VERSION=8', '-w', '-I', join(headers, 'include')],
    ...(process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-ldl']),
  ];
}
