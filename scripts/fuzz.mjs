// Fuzzes the addon's computations with AddressSanitizer and UndefinedBehaviorSanitizer: one target for each file of
// test/native/fuzz, which compares every result with a plain one.
//
//   node scripts/fuzz.mjs [TARGET…] [--seconds=20] [--runs=N] [--seed=N] [--compiler=clang++]
//
// With a Clang that has libFuzzer it is led by coverage, and what it finds new stays in build/fuzz; with any other compiler
// a driver of ours changes the corpus at random. An input that fails is kept and named: run the target with it again.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compiler, root } from './native/ways.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '20' },
    runs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    compiler: { type: 'string' },
  },
});
const folder = join(root, 'test', 'native', 'fuzz');
const all = readdirSync(folder).flatMap((name) => (/^(?!driver).*\.cc$/.test(name) ? [basename(name, '.cc')] : []));
const targets = positionals.length > 0 ? positionals : all;
const unknown = targets.find((target) => !all.includes(target));
if (unknown !== undefined) {
  console.error(`There is no target ${unknown}; there are ${all.join(', ')}.`);
  process.exit(2);
}

const out = join(root, 'build', 'fuzz');
mkdirSync(out, { recursive: true });

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) console.error(`${command}: ${error.message}`);
  return status === 0;
}

/** Whether it links a fuzzer. */
function hasLibFuzzer(command) {
  const probe = join(out, 'probe.cc');
  writeFileSync(probe, 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }\n');
  return run(command, ['-fsanitize=fuzzer,address,undefined', probe, '-o', join(out, 'probe')], { stdio: 'ignore' });
}

const candidates = values.compiler ? [values.compiler] : ['clang++', compiler()].filter(Boolean);
const guided = candidates.find(hasLibFuzzer);
const command = guided ?? candidates.find((name) => run(name, ['--version'], { stdio: 'ignore' }));
if (command === undefined) {
  console.error('No C++ compiler was found.');
  process.exit(1);
}
console.log(
  guided ? `fuzzing with libFuzzer (${command})` : `fuzzing with a driver of our own, as ${command} has no libFuzzer`,
);

const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer'];
const flags = ['-std=c++20', '-O1', '-g', '-pthread', '-Wall', '-Wextra', '-Werror', '-Wno-psabi', ...sanitizers];
if (guided) flags.push('-fsanitize=fuzzer-no-link');

/** The addon without what speaks JavaScript, as a library: compiled once for all targets. */
function library() {
  const listed = readFileSync(join(root, 'bindings.gyp'), 'utf8').match(/native\/[\w/]+\.cc/g);
  const sources = listed.filter((source) => source !== 'native/addon.cc' && !source.startsWith('native/bind/'));
  const objects = sources.map((source) => join(out, `${source.replaceAll('/', '-')}.o`));
  const makefile = join(out, 'Makefile');
  const rules = sources.map(
    (source, i) => `${objects[i]}: ${source} ${makefile} $(HEADERS)\n\t$(CXX) $(FLAGS) -c $< -o $@`,
  );
  const text = [
    `CXX = ${command}`,
    `FLAGS = ${flags.join(' ')}`,
    'HEADERS = $(wildcard native/*.h native/*/*.h native/*/*.inl)',
    `all: ${objects.join(' ')}`,
    ...rules,
  ];
  // Of other flags or another compiler: everything is built anew.
  const written = `${text.join('\n')}\n`;
  if (!existsSync(makefile) || readFileSync(makefile, 'utf8') !== written) writeFileSync(makefile, written);
  return run('make', ['--silent', '-f', makefile, `-j${availableParallelism()}`]) ? objects : undefined;
}

const objects = library();
if (objects === undefined) process.exit(1);
const failed = targets.filter((target) => {
  const binary = join(out, target);
  const sources = [join(folder, `${target}.cc`), ...(guided ? [] : [join(folder, 'driver.cc')])];
  const link = guided ? ['-fsanitize=fuzzer'] : [];
  if (!run(command, [...flags, ...link, ...sources, ...objects, '-ldl', '-o', binary])) return true;
  console.log(`\n${target}`);
  const kept = join(folder, 'corpus', target);
  const found = join(out, 'corpus', target);
  mkdirSync(found, { recursive: true });
  const bounds = [`-max_total_time=${values.seconds}`, `-seed=${values.seed}`, '-max_len=4096'];
  if (values.runs !== undefined) bounds.push(`-runs=${values.runs}`);
  const args = [
    ...bounds,
    `-artifact_prefix=${join(out, `${target}-`)}`,
    ...(guided ? ['-print_final_stats=1', '-verbosity=0'] : []),
  ];
  // The first folder takes what is new.
  return !run(binary, [...args, found, ...(existsSync(kept) ? [kept] : [])], {
    env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1' },
  });
});
if (failed.length > 0) console.error(`\nfailed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
