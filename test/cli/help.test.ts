import { expect, test } from '@jest/globals';
import { COMMANDS } from '../../lib/cli/commands.js';
import { optionName } from '../../lib/config/options.js';
import { optionsOf } from '../../lib/config/resolve.js';
import { DIGITS, ended, tascnet } from './tascnet.js';

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

/** The least of some tries: other work on the machine only ever adds. */
async function least(run: () => Promise<{ seconds: number }>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 4; attempt++) best = Math.min(best, (await run()).seconds);
  return best;
}

test('help and inspect start at once: within 0.3 s and 0.5 s of an empty program', async () => {
  const empty = await least(() => ended(process.execPath, ['-e', '0']));
  expect((await least(() => tascnet(['--help']))) - empty).toBeLessThan(0.3);
  expect((await least(() => tascnet(['inspect', DIGITS]))) - empty).toBeLessThan(0.5);
});
