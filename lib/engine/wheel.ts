/** TensorFlow's C library and headers out of a Python wheel, which pip finds. No Python is used afterwards. */

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TascnetError, throwIfAborted } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';
import { runCommand } from './command.js';
import type { Variant } from './places.js';
import { installCommand } from './system-packages.js';

export interface Wheel {
  /** The wheel's file name, which tells its version. */
  file: string;
  /** Holds `tensorflow/include` and the two libraries. */
  directory: string;
}

interface Context {
  signal?: AbortSignal | undefined;
  onProgress: (message: string) => void;
}

/** Unzips argv[1] into argv[2]: what is needed and nothing else. Names that would leave the folder are made safe by zipfile. */
const UNZIP = `
import re, sys, zipfile
wanted = re.compile(sys.argv[3])
with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = [name for name in wheel.namelist() if wanted.match(name)]
    wheel.extractall(sys.argv[2], names)
print(len(names))
`;
const LIBRARY_AND_HEADERS =
  '^tensorflow/(include/|libtensorflow_(cc|framework)\\.(so\\.2|2\\.dylib)$)|^[^/]+\\.dist-info/(METADATA|LICENSE.*)$';

/** PyPI's names for a variant on this platform, best first. */
function distributions(variant: Variant): string[] {
  return variant === 'cpu' && process.platform === 'linux' ? ['tensorflow-cpu', 'tensorflow'] : ['tensorflow'];
}

/**
 * The command of a Python 3 that has pip.
 * @throws TascnetError when there is none, with the packages to install.
 */
export async function findPython(context: Pick<Context, 'signal'>): Promise<string> {
  const names = [process.env.PYTHON, 'python3', 'python'].filter((name) => name !== undefined);
  let withoutPip: string | undefined;
  for (const name of names) {
    const { code, stdout } = await runCommand(name, ['-c', 'import sys; print(sys.version_info[0])'], context);
    throwIfAborted(context.signal);
    if (code !== 0 || stdout.trim() !== '3') continue;
    const pip = await runCommand(name, ['-m', 'pip', '--version'], context);
    throwIfAborted(context.signal);
    if (pip.code === 0) return name;
    withoutPip ??= name;
  }
  if (withoutPip !== undefined) {
    throw new TascnetError(`Python ("${withoutPip}") has no pip, which finds TensorFlow's library.`, {
      hint: `Install it: ${installCommand('python')} (or ${withoutPip} -m ensurepip), then run "tascnet engine install" again.`,
    });
  }
  throw new TascnetError("Python 3 was not found; its pip is what finds TensorFlow's library.", {
    hint: `Install it: ${installCommand('python')}; or set PYTHON to its path.`,
  });
}

/**
 * Downloads the wheel and unpacks the library and the headers into `directory`.
 * @throws TascnetError when pip has no wheel for this platform, or the disk is full.
 */
export async function unpackWheel(
  python: string,
  variant: Variant,
  directory: string,
  context: Context,
): Promise<Wheel> {
  const downloads = join(directory, 'download');
  makeFolders(downloads);
  const problems: string[] = [];
  for (const name of distributions(variant)) {
    context.onProgress(`Looking for TensorFlow's library with pip (${name})`);
    const file = await download(python, name, downloads, context);
    if (file.found === undefined) {
      problems.push(`${name}: ${file.problem}`);
      continue;
    }
    context.onProgress(`Unpacking ${file.found}`);
    await unzip(python, join(downloads, file.found), directory, LIBRARY_AND_HEADERS, context);
    await rm(downloads, { recursive: true });
    return { file: file.found, directory };
  }
  throw new TascnetError(`pip found no TensorFlow for this machine: ${problems.join('; ')}.`, {
    hint: `Check that "${python} -m pip download --no-deps ${distributions(variant)[0]}" works: it needs an index (PyPI or a mirror) with a wheel for this Python and platform.`,
  });
}

async function download(
  python: string,
  name: string,
  directory: string,
  context: Context,
): Promise<{ found: string } | { found: undefined; problem: string }> {
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--disable-pip-version-check'];
  const { code, stderr } = await runCommand(python, [...args, '--dest', directory, name], context);
  throwIfAborted(context.signal);
  if (code !== 0) {
    if (/No space left on device/.test(stderr)) throw diskFull(directory);
    const line = stderr.split('\n').findLast((text) => text.startsWith('ERROR:'));
    return { found: undefined, problem: line?.replace(/^ERROR:\s*/, '') ?? `pip ended with ${code}` };
  }
  const file = (await readdir(directory)).find((entry) => entry.endsWith('.whl'));
  return file ? { found: file } : { found: undefined, problem: 'pip left no wheel' };
}

async function unzip(python: string, wheel: string, into: string, pattern: string, context: Context): Promise<void> {
  const { code, stdout, stderr } = await runCommand(python, ['-c', UNZIP, wheel, into, pattern], context);
  throwIfAborted(context.signal);
  if (/No space left on device/.test(stderr)) throw diskFull(into);
  if (code !== 0 || Number(stdout) === 0) {
    throw new TascnetError(
      `The wheel ${wheel} could not be unpacked: ${stderr.trim().split('\n').at(-1) || 'it holds no TensorFlow library'}.`,
    );
  }
}

function diskFull(directory: string): TascnetError {
  return new TascnetError(`The disk that holds ${directory} is full.`, {
    hint: 'About 3 GB are needed while installing, 1.3 GB afterwards; set TASCNET_CACHE to a folder with more room.',
  });
}
