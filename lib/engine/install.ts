/**
 * Provides the `tensorflow` backend in the cache directory: the prebuilt binding where it can be downloaded, else one
 * built against the C library of a Python wheel. Nothing half-done is ever in place: work goes on in a directory beside
 * it, which is renamed once the engine has been seen to compute.
 */

import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { messageOf, TascnetError, throwIfAborted } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';
import { runCommand } from './command.js';
import { compileBinding, compileQuiet, findCompiler } from './compile.js';
import { withLock } from './lock.js';
import { engineDirectory, installationDirectory, PACKAGE_OF, packageWithin, type Variant } from './places.js';
import { probe } from './probe.js';
import { findPython, unpackWheel } from './wheel.js';

export interface InstallOptions {
  /** The build for NVIDIA GPUs. Default: CPU. */
  cuda?: boolean;
  /** Install even where the variant is already there and works. */
  force?: boolean;
  /** Only this way of getting it. Default: `prebuilt`, then `wheel`. */
  source?: 'prebuilt' | 'wheel';
  onProgress?: (message: string) => void;
  signal?: AbortSignal;
}

export interface Installed {
  variant: Variant;
  source: 'prebuilt' | 'wheel' | 'present';
  /** TensorFlow's version. */
  version: string;
  device: 'cpu' | 'gpu';
  directory: string;
}

const PACKAGE_VERSION = '4.22.0';
const PREBUILT_HOST = 'https://storage.googleapis.com/';
const REACHABLE_MS = 8_000;
const PREBUILT_LIMIT_MS = 15 * 60_000;
const NEEDED_BYTES = 3e9;

interface Context {
  variant: Variant;
  signal: AbortSignal | undefined;
  onProgress: (message: string) => void;
}

/**
 * @throws TascnetError saying what is missing (npm, python, pip, a wheel, a compiler, disk space) and how to get it.
 * @throws Interrupted when `signal` fires; nothing is left behind.
 */
export async function installEngine(options: InstallOptions = {}): Promise<Installed> {
  const { signal, onProgress = () => {} } = options;
  const variant: Variant = options.cuda ? 'cuda' : 'cpu';
  const directory = installationDirectory(variant);
  throwIfAborted(signal);
  await makeDirectory(engineDirectory());
  return withLock(
    `${directory}.lock`,
    async () => {
      const present = options.force ? undefined : await presentEngine(directory, variant, signal);
      return present ?? (await install(directory, { variant, signal, onProgress }, options.source));
    },
    { signal, onWait: (holder) => onProgress(`Waiting for process ${holder}, which is installing it`) },
  );
}

async function presentEngine(
  directory: string,
  variant: Variant,
  signal: AbortSignal | undefined,
): Promise<Installed | undefined> {
  if (!existsSync(directory)) return undefined;
  const finding = await probe(packageWithin(directory, variant), { fresh: true, signal });
  if (!finding.works) return undefined;
  return { variant, source: 'present', version: finding.version, device: finding.device, directory };
}

async function install(directory: string, context: Context, only: InstallOptions['source']): Promise<Installed> {
  await checkSpace(dirname(directory));
  const unreachable = only === 'wheel' ? 'a wheel is asked for' : await problemReaching(prebuiltHost(), context.signal);
  throwIfAborted(context.signal);
  // What the other way needs is found missing before anything is downloaded.
  if (unreachable !== undefined && only !== 'prebuilt') await findTools(context);
  const work = await mkdtemp(join(dirname(directory), '.installing-'));
  try {
    await installPackage(work, context);
    const source = await provideBinding(work, context, only, unreachable);
    const finding = await probe(packageWithin(work, context.variant), { fresh: true, signal: context.signal });
    if (!finding.works) throw new TascnetError(`TensorFlow was installed, but does not work: ${finding.problem}.`);
    const old = `${work}-old`;
    if (existsSync(directory)) await rename(directory, old);
    await rename(work, directory);
    await rm(old, { recursive: true, force: true });
    await probe(packageWithin(directory, context.variant));
    return { variant: context.variant, source, version: finding.version, device: finding.device, directory };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function provideBinding(
  work: string,
  context: Context,
  only: InstallOptions['source'],
  unreachable: string | undefined,
): Promise<'prebuilt' | 'wheel'> {
  if (only !== 'wheel') {
    const problem = unreachable ?? (await downloadPrebuilt(packageWithin(work, context.variant), context));
    if (problem === undefined) return 'prebuilt';
    context.onProgress(`The prebuilt library cannot be had: ${problem}`);
    if (only === 'prebuilt') throw new TascnetError(`The prebuilt TensorFlow library cannot be had: ${problem}.`);
  }
  const { python, compiler } = await findTools(context);
  await unpackWheel(python, context.variant, work, context);
  context.onProgress(`Building the binding with ${compiler}`);
  const libraries = join(work, 'tensorflow');
  await compileBinding(compiler, packageWithin(work, context.variant), libraries, context);
  await compileQuiet(compiler, packageWithin(work, context.variant), context);
  await rm(join(libraries, 'include'), { recursive: true });
  return 'wheel';
}

async function findTools(context: Context): Promise<{ python: string; compiler: string }> {
  return { python: await findPython(context), compiler: await findCompiler(context) };
}

/** The npm package without its install script, with the packages it needs. */
async function installPackage(work: string, context: Context): Promise<void> {
  const name = `${PACKAGE_OF[context.variant]}@${PACKAGE_VERSION}`;
  context.onProgress(`Installing ${name} with npm`);
  await writeFile(join(work, 'package.json'), JSON.stringify({ name: 'tascnet-engine', private: true }));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', name];
  const { code, stderr } = await runCommand(npm, args, { cwd: work, signal: context.signal });
  throwIfAborted(context.signal);
  if (code === 'ENOENT') {
    throw new TascnetError('npm was not found; it installs the package that binds TensorFlow.', {
      hint: 'npm comes with Node.js; put it on the PATH.',
    });
  }
  if (code !== 0) {
    const reason =
      stderr.split('\n').find((line) => /^npm (error|ERR!) (?!code)/.test(line)) ?? `it ended with ${code}`;
    throw new TascnetError(`npm could not install ${name}: ${reason.replace(/^npm \S+ /, '')}`, {
      hint: 'It needs an npm registry: see "npm config get registry".',
    });
  }
}

/** The package's own install script. Gives what was wrong, or undefined when the binding works. */
async function downloadPrebuilt(packageDirectory: string, context: Context): Promise<string | undefined> {
  context.onProgress('Downloading the prebuilt library');
  const modules = join(packageDirectory, '..', '..');
  const script = ['scripts/install.js', ...(context.variant === 'cuda' ? ['gpu', 'download'] : [])];
  const { timedOut } = await runCommand(process.execPath, script, {
    cwd: packageDirectory,
    env: { ...process.env, PATH: `${join(modules, '.bin')}${delimiter}${process.env.PATH ?? ''}` },
    timeoutMs: PREBUILT_LIMIT_MS,
    signal: context.signal,
  });
  throwIfAborted(context.signal);
  if (timedOut) return `the download took more than ${PREBUILT_LIMIT_MS / 60_000} minutes`;
  const finding = await probe(packageDirectory, { fresh: true, signal: context.signal });
  return finding.works ? undefined : finding.problem;
}

function prebuiltHost(): string {
  return process.env.TFJS_NODE_CDN_STORAGE ?? process.env.CDN_STORAGE ?? PREBUILT_HOST;
}

/** Asks first: the install script waits for minutes on a network that swallows packets. */
async function problemReaching(host: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const limit = AbortSignal.timeout(REACHABLE_MS);
  try {
    await fetch(host, { method: 'HEAD', signal: signal ? AbortSignal.any([signal, limit]) : limit });
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return `${host} cannot be reached (${messageOf(cause)})`;
  }
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    makeFolders(directory);
  } catch (error) {
    throw new TascnetError(`The cache directory ${directory} cannot be made: ${messageOf(error)}`, {
      hint: 'Set TASCNET_CACHE to a folder that can be written.',
      cause: error,
    });
  }
}

async function checkSpace(directory: string): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= NEEDED_BYTES) return;
  throw new TascnetError(
    `${directory} has ${((bavail * bsize) / 1e9).toFixed(1)} GB free; installing TensorFlow needs ${NEEDED_BYTES / 1e9} GB.`,
    { hint: 'Make room, or set TASCNET_CACHE to a folder with more.' },
  );
}
