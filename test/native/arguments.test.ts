import { MessageChannel } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import * as native from '../../lib/native.js';
import { integer, type Random, randomOf } from './random.js';

function detached<T extends Float32Array | Int32Array | Uint8Array>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

const resizable = (): Float32Array =>
  new Float32Array(Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]) as ArrayBuffer);

/** Anything that a person, a bug or an enemy may pass. */
const JUNK: ((random: Random) => unknown)[] = [
  () => undefined,
  () => null,
  () => true,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => -1,
  () => 1.5,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e300,
  () => 10n,
  () => 'l1',
  () => '🙈'.repeat(50),
  () => Symbol('s'),
  () => () => 1,
  () => ({}),
  () => Object.create(null),
  () => new Proxy({}, { get: (_, key) => key }),
  () => new Proxy([1, 2], {}),
  () => new Map(),
  () => new DataView(new ArrayBuffer(8)),
  () => new ArrayBuffer(8),
  () => [],
  () => [2, 2],
  () => [4],
  () => [0, 4],
  () => [2 ** 31 - 1, 2 ** 31 - 1, 4],
  () => [-1, 4],
  () => [Number.NaN],
  () => new Array(5),
  () => new Array(100_000),
  () => [[1, 2], [3]],
  () => detached(new Float32Array(4)),
  () => resizable(),
  () => new Float32Array(new SharedArrayBuffer(16)),
  () => new Int32Array(new SharedArrayBuffer(16)),
  () => new Uint8Array(new SharedArrayBuffer(64)),
  () => detached(new Int32Array(4)),
  () => detached(new Uint8Array(64)),
  () => new Uint8Array(Reflect.construct(ArrayBuffer, [64, { maxByteLength: 128 }]) as ArrayBuffer),
  () => ({ length: 1, 0: 1 }),
  () => new Float32Array(0),
  () => new Float32Array(4),
  () => Float32Array.of(Number.NaN, 1, 2, 3),
  () => new Float64Array(4),
  () => new Int32Array(4),
  () => Int32Array.of(0, 1, 2, 3),
  () => Int32Array.of(-5, 2 ** 31 - 1),
  () => new Uint8Array(4),
  () => new BigInt64Array(4),
  () => Buffer.from('abcd'),
  (random) => ({ data: junk(random), dims: junk(random), axes: junk(random) }),
  (random) => [
    { data: new Float32Array(4), dims: [4], axes: [{ axis: junk(random), keep: junk(random), merge: junk(random) }] },
  ],
  (random) => ({ groups: junk(random), kinds: junk(random), terms: junk(random) }),
  (random) => ({ channels: junk(random), remove: junk(random), merge: junk(random), members: junk(random) }),
  (random) => [
    { channels: 4, remove: junk(random), members: [{ tensor: 'a', axis: junk(random), offset: junk(random) }] },
  ],
  (random) => ({
    signal: junk(random),
    dtype: junk(random),
    strides: junk(random),
    kind: junk(random),
    axis: junk(random),
    dims: junk(random),
  }),
  (random) => ({ dtype: junk(random) }),
  (random) => ({ strides: [junk(random), 1] }),
  (random) => ({ strides: [integer(random, 0, 4), 2 ** integer(random, 0, 60)] }),
  () => ({ signal: { aborted: false, addEventListener: () => {}, removeEventListener: () => {} } }),
  (random) => [{ channels: 4, remove: [1], members: [{ tensor: junk(random), axis: 0 }] }],
  (random) => ({ a: junk(random), b: [2 ** 31 - 1, 2 ** 20] }),
  (random) => [junk(random), junk(random)],
];

const junk = (random: Random): unknown => JUNK[integer(random, 0, JUNK.length - 1)]?.(random);

const history = native.createHistory([4], 0);
const equations = native.createLeastSquares(2, 2);
const cost = native.compileCost({ groups: 2, kinds: [{ name: 'macs', reduce: 'sum' }], terms: [] });

const pictureFormat = () => ({
  ...{ height: 1, width: 2, channels: 'RGB', layout: 'NCHW' },
  ...{ multiply: [1, 1, 1], add: [0, 0, 0] },
});

/** Every entry, with good arguments, of which some are replaced. */
const ENTRIES: [string, (args: never[]) => unknown, () => unknown[]][] = [
  [
    'norms',
    (a) => native.norms(...(a as unknown as Parameters<typeof native.norms>)),
    () => [new Float32Array(4), [2, 2], 0, 'l1', {}],
  ],
  [
    'normsOfAll',
    (a) => native.normsOfAll(...(a as unknown as Parameters<typeof native.normsOfAll>)),
    () => [
      [
        { data: new Float32Array(4), dims: [2, 2], axis: 0 },
        { data: new Uint16Array(3), dims: [3], axis: 0, dtype: 'bfloat16' },
      ],
      'l1',
      {},
    ],
  ],
  [
    'taylor',
    (a) => native.taylor(...(a as unknown as Parameters<typeof native.taylor>)),
    () => [new Float32Array(4), new Float32Array(4), [4], 0, {}],
  ],
  [
    'geometricMedian',
    (a) => native.geometricMedian(...(a as unknown as Parameters<typeof native.geometricMedian>)),
    () => [new Float32Array(4), [2, 2], 1, {}],
  ],
  [
    'lamp',
    (a) => native.lamp(...(a as unknown as Parameters<typeof native.lamp>)),
    () => [new Uint16Array(4), [2, 2], 1, { dtype: 'float16' }],
  ],
  [
    'batchNormScale',
    (a) => native.batchNormScale(...(a as unknown as Parameters<typeof native.batchNormScale>)),
    () => [new Float32Array(4), {}],
  ],
  [
    'cosinePairs',
    (a) => native.cosinePairs(...(a as unknown as Parameters<typeof native.cosinePairs>)),
    () => [new Float64Array(4), 2, 1, {}],
  ],
  [
    'rankChannels',
    (a) => native.rankChannels(...(a as unknown as Parameters<typeof native.rankChannels>)),
    () => [new Float64Array(4), 2, {}],
  ],
  [
    'createHistory',
    (a) => native.createHistory(...(a as unknown as Parameters<typeof native.createHistory>)),
    () => [[2, 2], 0],
  ],
  [
    'record',
    (a) => history.record(...(a as unknown as Parameters<typeof history.record>)),
    () => [new Float32Array(4), {}],
  ],
  ['gram', (a) => history.gram(...(a as unknown as Parameters<typeof history.gram>)), () => [{}]],
  ['cosine', (a) => history.cosine(...(a as unknown as Parameters<typeof history.cosine>)), () => [{}]],
  ['topPairs', (a) => history.topPairs(...(a as unknown as Parameters<typeof history.topPairs>)), () => [3, {}]],
  ['keep', (a) => native.createHistory([4], 0).keep(...(a as unknown as [Int32Array])), () => [Int32Array.of(1), {}]],
  ['serialize', (a) => history.serialize(...(a as unknown as Parameters<typeof history.serialize>)), () => [{}]],
  ['restore', (a) => native.History.restore(...(a as unknown as [Uint8Array])), () => [new Uint8Array(64), {}]],
  [
    'applySurgery',
    (a) => native.applySurgery(...(a as unknown as Parameters<typeof native.applySurgery>)),
    () => [[], {}],
  ],
  [
    'planSurgery',
    (a) => native.planSurgery(...(a as unknown as Parameters<typeof native.planSurgery>)),
    () => [{ a: [4, 2] }, [{ channels: 4, remove: [1], members: [{ tensor: 'a', axis: 0 }] }]],
  ],
  [
    'compileCost',
    (a) => native.compileCost(...(a as unknown as Parameters<typeof native.compileCost>)),
    () => [{ groups: 1, kinds: [], terms: [] }],
  ],
  [
    'countCost',
    (a) => native.countCost(...(a as unknown as Parameters<typeof native.countCost>)),
    () => [{ groups: 1, kinds: [{ name: 'macs', reduce: 'sum' }], terms: [] }, [1], {}],
  ],
  [
    'evaluate',
    (a) => cost.evaluate(...(a as unknown as Parameters<typeof cost.evaluate>)),
    () => [Int32Array.of(1, 2), {}],
  ],
  ['createLeastSquares', (a) => native.createLeastSquares(...(a as unknown as [number, number])), () => [2, 2]],
  [
    'add',
    (a) => equations.add(...(a as unknown as Parameters<typeof equations.add>)),
    () => [new Float32Array(4), new Float32Array(4), 2, {}],
  ],
  ['solve', (a) => equations.solve(...(a as unknown as Parameters<typeof equations.solve>)), () => [1, undefined, {}]],
  [
    'preprocessImages',
    (a) => native.preprocessImages(...(a as unknown as Parameters<typeof native.preprocessImages>)),
    () => [new Uint8Array(6), 1, pictureFormat(), Float64Array.of(0, 0, 1, 2, 0, 1, 0, 0), new Float32Array(6), {}],
  ],
  ...[native.foldBatchNorm, native.unfoldBatchNorm].map(
    (fold): [string, (args: never[]) => unknown, () => unknown[]] => {
      const perChannel = () => Array.from({ length: 4 }, () => Float32Array.of(1, 1, 1, 1));
      const good = () => [new Float32Array(4), [4], undefined, ...perChannel(), 1e-5, {}];
      return [fold.name, (a) => fold(...(a as unknown as Parameters<typeof fold>)), good];
    },
  ),
];

test.each(ENTRIES)('%s takes anything and answers with a result or a JS error', async (_, entry, good) => {
  const random = randomOf(41);
  for (let i = 0; i < 1000; i++) {
    const args = good();
    for (let n = integer(random, 1, 3); n > 0; n--) args[integer(random, 0, args.length - 1)] = junk(random);
    try {
      await entry(args as never[]);
    } catch (error) {
      // An error of ours, that is, not one of the engine's from the middle of something.
      expect(String(error)).toMatch(
        /^(TypeError|RangeError): (Expected|There is not enough memory|The inputs are lin|Array buffer allocation failed)/,
      );
    }
  }
});

test('messages name the argument, what came and what was expected', async () => {
  const tensor = new Float32Array(6);
  const norms = native.norms as (...args: unknown[]) => Promise<Float64Array>;
  const cases: [unknown[], string][] = [
    [[[1, 2], [2], 0, 'l1'], 'Expected a Float32Array for tensor but received an array of length 2'],
    [[new Float64Array(6), [6], 0, 'l1'], 'Expected a Float32Array for tensor but received a Float64Array of length 6'],
    [[tensor, [2, 4], 0, 'l1'], 'Expected 8 elements (the product of dims) for tensor but received 6'],
    [[tensor, [2, -3], 0, 'l1'], 'Expected an integer from 0 to 2147483647 for dims[1] but received -3'],
    [[tensor, [2, '3'], 0, 'l1'], 'Expected an integer for dims[1] but received "3"'],
    [[tensor, [], 0, 'l1'], 'Expected 1 to 16 extents for dims but received 0'],
    [[tensor, [2 ** 30, 2 ** 30, 0], 0, 'l1'], 'Expected a product of extents below 2^53 for dims'],
    [[tensor, [6], 1, 'l1'], 'Expected an integer from 0 to 0 for axis but received 1'],
    [[tensor, [6], 0, 'L3'], `Expected one of 'l1', 'l2', 'linf', 'sumSquares' for kind but received "L3"`],
    [[detached(new Float32Array(4)), [4], 0, 'l1'], 'whose buffer was transferred (detached)'],
    [[resizable(), [4], 0, 'l1'], 'on a resizable ArrayBuffer: pass a copy'],
    [[new Float32Array(new SharedArrayBuffer(24)), [6], 0, 'l1'], 'on a SharedArrayBuffer: pass a copy'],
  ];
  for (const [args, message] of cases) await expect(norms(...args)).rejects.toThrow(message);
});

test('of many tensors the wrong one is named, and an array within them that changes is no harm', async () => {
  const normsOfAll = native.normsOfAll as (...args: unknown[]) => Promise<Float64Array[]>;
  const good = () => ({ data: new Float32Array(4), dims: [2, 2], axis: 1 });
  const cases: [unknown[], string][] = [
    [[good(), 'l1'], 'Expected an array for tensors but received an object'],
    [[[good(), 7], 'l1'], 'Expected an object for tensors[1] but received 7'],
    [[[good(), { ...good(), axis: 2 }], 'l1'], 'Expected an integer from 0 to 1 for tensors[1].axis but received 2'],
    [
      [[{ ...good(), dims: [2, 3] }], 'l1'],
      'Expected 6 elements (the product of dims) for tensors[0].data but received 4',
    ],
    [[[{ ...good(), dtype: 'float16' }], 'l1'], "a Uint16Array (dtype 'float16') for tensors[0].data"],
    [[[good(), { ...good(), dtype: 'half' }], 'l1'], "'bfloat16' for tensors[1].dtype"],
    [[[good()], 'L1'], "Expected one of 'l1', 'l2', 'linf', 'sumSquares' for kind"],
  ];
  for (const [args, message] of cases) await expect(normsOfAll(...args)).rejects.toThrow(message);
  const first = good();
  const hostile = {
    ...good(),
    get axis() {
      structuredClone(first.data, { transfer: [first.data.buffer] });
      return 0;
    },
  };
  await expect(normsOfAll([first, hostile], 'l1')).rejects.toThrow('tensors[0].data');
  expect(await normsOfAll([], 'l1')).toEqual([]);
});

test('a change of an image must stay by it, and its output be memory of its own', async () => {
  const { preprocessImages } = native as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const pixels = new Uint8Array(new ArrayBuffer(48), 0, 6);
  const write = (changes: number[] | undefined, out = new Float32Array(6), format: object = pictureFormat()) =>
    preprocessImages?.(pixels, 1, format, changes && Float64Array.from(changes), out);
  const format = pictureFormat();
  const cases: [Promise<unknown> | undefined, string][] = [
    [write([-1.5, 0, 1, 2, 0, 1, 0, 0]), 'a number from -1 to 1 for changes[0] but received -1.5'],
    [write([0, 3, 1, 2, 0, 1, 0, 0]), 'a number from -2 to 2 for changes[1] but received 3'],
    [write([0, 0, 0, 2, 0, 1, 0, 0]), 'a number above 0 up to 1 for changes[2] but received 0'],
    [write([0, 0, 1, Number.NaN, 0, 1, 0, 0]), 'for changes[3] but received NaN'],
    [write([0, 0, 1, 2, 2, 1, 0, 0]), '0 or 1 for changes[4] but received 2'],
    [write([0, 0, 1, 2, 0, 1, Number.POSITIVE_INFINITY, 0]), 'a finite number for changes[6] but received Infinity'],
    [write([0, 0, 1, 2]), 'for changes but received 4'],
    [write(undefined, new Float32Array(5)), '6 elements (count * height * width * channels) for out but received 5'],
    [write(undefined, new Float32Array(pixels.buffer, 0, 6)), 'memory of its own for out'],
    [write(undefined, new Float32Array(6), { ...format, multiply: [1] }), 'for each of 3 channels for format.multiply'],
    [write(undefined, new Float32Array(6), { ...format, channels: 'CMYK' }), `'RGB', 'BGR', 'L' for format.channels`],
    [write(undefined, new Float32Array(6), { ...format, height: 0 }), 'for format.height but received 0'],
  ];
  for (const [call, message] of cases) await expect(call).rejects.toThrow(message);
});

test('strides that change while they are read are refused, or read as many as there are axes', async () => {
  const tensor = new Float32Array(64).fill(1);
  const hostile = (change: (list: number[]) => void) => {
    const list = [2, 1];
    Object.defineProperty(list, 0, {
      get() {
        change(list);
        return 2;
      },
    });
    return { strides: list };
  };
  const growing = hostile((list) => list.push(1000, 1000, 1000));
  expect([...(await native.norms(tensor, [3, 2], 0, 'l1', growing))]).toEqual([2, 2, 2]);
  const shrinking = hostile((list) => {
    list.length = 1;
  });
  await expect(native.norms(tensor, [3, 2], 0, 'l1', shrinking)).rejects.toThrow('an integer for strides[1]');
});

test('a buffer that is transferred while the other arguments are read is refused', async () => {
  const data = new Float32Array(4);
  const { port1, port2 } = new MessageChannel();
  const cut = {
    data,
    dims: [4],
    axes: [],
  };
  const trap = {
    get data() {
      port1.postMessage(null, [data.buffer]);
      return new Float32Array(4);
    },
    dims: [4],
    axes: [],
  };
  await expect(native.applySurgery([cut, trap])).rejects.toThrow('transferred while the arguments were read');
  port1.close();
  port2.close();
});

test('more channels than can be compared are refused', async () => {
  await expect(native.geometricMedian(new Float32Array(0), [2 ** 31 - 1, 0], 0)).rejects.toThrow(
    'at most 16384 channels',
  );
});
