/**
 * The installation as it is, from the package registry and pip's index: minutes and a gigabyte, so only on request
 * (TASCNET_TEST_INSTALL=1).
 */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { installEngine } from '../../lib/engine/install.js';
import { engineStatus } from '../../lib/engine/status.js';

const isAsked = process.env.TASCNET_TEST_INSTALL === '1';
if (!isAsked) process.stderr.write('skipped, as TASCNET_TEST_INSTALL is not 1: the installation for real\n');

const cache = mkdtempSync(join(tmpdir(), 'tascnet-engine-'));
afterAll(() => rmSync(cache, { recursive: true }));

(isAsked ? test : test.skip)(
  'TensorFlow is installed into an empty cache, computes, and is found there',
  async () => {
    process.env.TASCNET_CACHE = cache;
    const installed = await installEngine();
    expect(installed.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(readdirSync(join(cache, 'engine')).sort()).toEqual(['cpu', 'probes']);
    expect(await engineStatus()).toMatchObject({ backend: 'tensorflow', version: installed.version });
    expect((await installEngine()).source).toBe('present');
  },
  600_000,
);
