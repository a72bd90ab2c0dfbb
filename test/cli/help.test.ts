import { expect, test } from '@jest/globals';
import { COMMANDS } from '../../lib/cli/commands.js';
import { optionName } from '../../lib/config/options.js';
import { optionsOf } from '../../lib/config/resolve.js';
import { DIGITS, ended, MAIN, tascnet } from './tascnet.js';

test('--help lists every command and the exit codes', async () => {
  const { code, stdout, stderr } = await tascnet(['--help']);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  for (const { name } of COMMANDS) expect(stdout).toContain(`tascnet ${name}`);
  expect(stdout).toMatch(/3 done but a target was missed, 130 interrupted/);
});

test.each(COMMANDS.map((command) => [command.name, command] as const))(
  '%s --help lists its options and has examples',
  async (name, { examples }) => {
    const { code, stdout } = await tascnet([name, '--help']);
    expect(code).toBe(0);
    for (const [key] of optionsOf(name)) expect(stdout).toContain(`--${optionName(key)} `);
    expect(examples.length).toBeGreaterThan(0);
    expect(stdout).toContain('Examples:');
  },
);

test('--version is that of the package', async () => {
  expect((await tascnet(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('shells can complete commands and options', async () => {
  const commands = await tascnet(['--get-yargs-completions', 'tascnet', 'val']);
  expect(commands.stdout).toMatch(/^validate$/m);
  const options = await tascnet(['--get-yargs-completions', 'tascnet', 'search', '--tri']);
  expect(options.stdout).toMatch(/^--trial-epochs$/m);
});

/** Prints, at exit, what of TensorFlow and ONNX Runtime a program loaded. */
const WATCH = `data:text/javascript,${encodeURIComponent(`
  import module from 'node:module';
  const seen = [];
  const note = (name) => /tensorflow|tfjs|onnxruntime/.test(name) && seen.push(name);
  const load = module._load;
  module._load = function (name, ...rest) { note(name); return load.call(this, name, ...rest); };
  module.register('data:text/javascript,' + encodeURIComponent(
    "export async function resolve(name, context, next) { if (/tensorflow|tfjs|onnxruntime/.test(name)) console.error('loaded ' + name); return next(name, context); }"
  ));
  process.on('exit', () => { for (const name of seen) console.error('loaded ' + name); });
`)}`;

test('help and inspect load neither TensorFlow nor ONNX Runtime', async () => {
  const loaded = async (args: readonly string[]) => {
    const { code, stderr } = await ended(process.execPath, ['--import', WATCH, ...args]);
    expect(code).toBe(0);
    return stderr.split('\n').filter((line) => line.startsWith('loaded '));
  };
  expect(await loaded(['--input-type=module', '-e', "await import('onnxruntime-node')"])).not.toEqual([]);
  expect(await loaded([MAIN, '--help'])).toEqual([]);
  expect(await loaded([MAIN, 'inspect', DIGITS])).toEqual([]);
});
