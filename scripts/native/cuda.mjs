// The CUDA half: a library beside the addon, which is complete without it.
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, works } from './ways.mjs';

// Devices from A100 on; the code for the last one is also kept in a form that later ones can compile.
const CUDA_TARGETS = ['-gencode=arch=compute_80,code=sm_80', '-gencode=arch=compute_90,code=[sm_90,compute_90]'];

/** The compiler of a toolkit that is to be used, or undefined. */
export function cudaCompiler() {
  if (process.platform !== 'linux' || process.env.TASCNET_CUDA === '0') return undefined;
  const home = process.env.CUDA_HOME ?? process.env.CUDA_PATH ?? '/usr/local/cuda';
  return ['nvcc', join(home, 'bin', 'nvcc')].find((name) => works(name));
}

/** Builds it into a folder where a toolkit is found. Whatever goes wrong, the addon works without. */
export function buildCuda(release) {
  const nvcc = cudaCompiler();
  const library = join(release, 'tascnet-cuda.so');
  if (nvcc === undefined) {
    // One of other sources would not fit the addon.
    rmSync(library, { force: true });
    return;
  }
  console.log('tascnet: building the CUDA half');
  const made = `${library}.${process.pid}`;
  const args = ['-O3', '-std=c++17', '-shared', '-Xcompiler', '-fPIC,-fvisibility=hidden', '-cudart', 'static'];
  const folder = join('native', 'cuda');
  const sources = readdirSync(join(root, folder)).flatMap((name) => (name.endsWith('.cu') ? [join(folder, name)] : []));
  if (run(nvcc, [...args, ...CUDA_TARGETS, ...sources, '-o', made], { timeout: 10 * 60_000 })) {
    renameSync(made, library);
  } else {
    rmSync(made, { force: true });
    rmSync(library, { force: true });
    console.error('tascnet: the CUDA half could not be built; the addon works without it.');
  }
}
