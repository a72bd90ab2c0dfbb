import { expect, test } from '@jest/globals';
import { applySurgery, type ChannelGroup, countCost, type PlannedCut, planSurgery } from '../../lib/native.js';
import { floats, integer, product, randomOf, subset, worstError } from './random.js';

type Weights = Record<string, Float32Array>;

const none = new Float32Array(0);

async function apply(plan: PlannedCut[], weights: Weights): Promise<Weights> {
  const results = await applySurgery(plan.map((part) => ({ ...part, data: weights[part.tensor] ?? none })));
  return Object.fromEntries(plan.map((part, p) => [part.tensor, results[p] ?? none]));
}

/** A Conv, its bias and a dense layer behind a Flatten of height × width × its channels, in either order. */
function network(channels: number, area: number, last: boolean) {
  const tensors = { kernel: [channels, 3, 2], bias: [channels], dense: [4, channels * area] };
  const flattened = last
    ? { perChannel: area, channelStride: 1, elementStride: channels }
    : { perChannel: area, channelStride: area };
  return { tensors, flattened };
}

/** The dense layer's outputs, with the Conv's activations taken to be its bias, the same at every position. */
function outputs({ bias, dense }: Weights, channels: number, area: number, last: boolean): number[] {
  return Array.from({ length: 4 }, (_, row) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      for (let e = 0; e < area; e++) {
        const index = last ? e * channels + c : c * area + e;
        sum += (bias?.[c] ?? 0) * (dense?.[row * channels * area + index] ?? 0);
      }
    }
    return sum;
  });
}

test('what is planned behind a Flatten gives the outputs of the zeroed network, channels first and last', async () => {
  const random = randomOf(61);
  for (let i = 0; i < 300; i++) {
    const [channels, area, last] = [integer(random, 2, 12), integer(random, 1, 9), random() < 0.5];
    const { tensors, flattened } = network(channels, area, last);
    const remove = subset(random, channels).slice(0, channels - 1);
    if (remove.length === 0) continue;
    const weights: Weights = Object.fromEntries(
      Object.entries(tensors).map(([name, dims]) => [name, floats(random, product(dims))]),
    );
    const plan = planSurgery(tensors, [
      {
        channels,
        remove,
        members: [
          { tensor: 'kernel', axis: 0 },
          { tensor: 'bias', axis: 0 },
          { tensor: 'dense', axis: 1, ...flattened, reads: true },
        ],
      },
    ]);
    expect(plan.map((part) => part.tensor)).toEqual(['kernel', 'bias', 'dense']);
    const cut = await apply(plan, weights);
    for (const part of plan) expect(cut[part.tensor]).toHaveLength(product(part.dimsAfter));
    const zeroed = {
      ...weights,
      bias: (weights.bias ?? none).map((v, c) => (remove.includes(c) ? 0 : v)),
    };
    const left = channels - remove.length;
    expect(worstError(outputs(cut, left, area, last), outputs(zeroed, channels, area, last))).toBeLessThan(1e-5);
  }
});

test('a merged channel keeps the outputs where it equals its survivor', async () => {
  const weights: Weights = { bias: Float32Array.of(1, 2, 2), dense: floats(randomOf(62), 4 * 6) };
  const plan = planSurgery({ bias: [3], dense: [4, 6] }, [
    {
      channels: 3,
      remove: [2],
      merge: [[2, 1]],
      members: [
        { tensor: 'bias', axis: 0 },
        { tensor: 'dense', axis: 1, perChannel: 2, reads: true },
      ],
    },
  ]);
  const cut = await apply(plan, weights);
  expect(worstError(outputs(cut, 2, 2, false), outputs(weights, 3, 2, false))).toBeLessThan(1e-6);
});

test('parts of a Concat meet on one axis; what is not touched is not planned', () => {
  const group = (channels: number, remove: number[], offset: number): ChannelGroup => ({
    channels,
    remove,
    members: [{ tensor: 'reader', axis: 1, offset, reads: true }],
  });
  const plan = planSurgery({ other: [3], reader: [2, 9, 1] }, [group(4, [0, 3], 0), group(5, [4], 4)]);
  expect(plan).toEqual([
    {
      tensor: 'reader',
      dims: [2, 9, 1],
      dimsAfter: [2, 6, 1],
      axes: [{ axis: 1, keep: Int32Array.of(1, 2, 4, 5, 6, 7) }],
    },
  ]);
  expect(planSurgery({ reader: [2, 9] }, [group(9, [], 0)])).toEqual([]);
});

test('what cannot be planned is refused by name', () => {
  const plan =
    (group: object, tensors: unknown = { a: [4, 6] }) =>
    () =>
      planSurgery(tensors as Record<string, number[]>, [
        { channels: 4, remove: [1], members: [{ tensor: 'a', axis: 0 }], ...group } as ChannelGroup,
      ]);
  expect(plan({ remove: [4] })).toThrow('an index from 0 to 3 for groups[0].remove[0] but received 4');
  expect(plan({ remove: [-1] })).toThrow(RangeError);
  expect(plan({ remove: [1, 1] })).toThrow('every channel once for groups[0].remove[1] but received 1 again');
  expect(plan({ remove: [0, 1, 2, 3] })).toThrow('an index to stay along axis 0 of a');
  expect(plan({ remove: 3 })).toThrow('an array or an Int32Array for groups[0].remove but received 3');
  expect(plan({ remove: new DataView(new ArrayBuffer(8)) })).toThrow('an array or an Int32Array for groups[0].remove');
  expect(plan({ remove: new Int32Array(new SharedArrayBuffer(8)) })).toThrow('on a SharedArrayBuffer');
  expect(plan({ channels: 2 ** 31 })).toThrow('groups[0].channels');
  expect(plan({}, { a: [2 ** 27 + 1] })).toThrow('tensors.a[0], an axis that is cut');
  expect(plan({}, { a: [4, 2 ** 31 - 1, 2 ** 31 - 1] })).toThrow('a product of extents below 2^53 for tensors.a');
  const wide = { tensor: 'a', axis: 0, perChannel: 2 ** 22 + 1, reads: true };
  expect(plan({ channels: 2, remove: [0], merge: [[0, 1]], members: [wide] }, { a: [2 ** 24] })).toThrow(
    'at most 4194304 merged slices for groups[0].members[0]',
  );
  expect(plan({ merge: new Array(1) })).toThrow('an array for groups[0].merge[0] but received undefined');
  expect(plan({}, { a: [] })).toThrow('1 to 16 extents for tensors.a but received 0');
  expect(plan({ members: [{ tensor: 'b', axis: 0 }] })).toThrow('one of tensors for groups[0].members[0].tensor');
  expect(plan({ members: [{ tensor: 'a', axis: 2 }] })).toThrow('groups[0].members[0].axis');
  expect(plan({ members: [{ tensor: 'a', axis: 0, perChannel: 2 }] })).toThrow('up to index 7');
  expect(plan({ members: [{ tensor: 'a', axis: 0, offset: 1 }] })).toThrow('up to index 4');
  expect(plan({ members: [{ tensor: 'a', axis: 1, perChannel: 2, channelStride: 1 }] })).toThrow(
    'belongs to two channels',
  );
  expect(
    plan({
      members: [
        { tensor: 'a', axis: 1 },
        { tensor: 'a', axis: 1, offset: 2 },
      ],
    }),
  ).toThrow('index 2 belongs to two channels');
  expect(plan({ merge: [[0, 2]] })).toThrow('a channel that is removed for groups[0].merge[0][0] but received 0');
  expect(plan({ merge: [[1, 1]] })).toThrow('a channel that stays');
  expect(plan({}, { a: [4.5] })).toThrow('tensors.a[0]');
  expect(plan({}, null)).toThrow(TypeError);
});

test('the cost of one configuration, by name', async () => {
  const terms = [
    { kind: 'macs', coefficient: 9, factors: [{ channels: [[0, 1]] as const }, { channels: [[1, 1]] as const }] },
    { kind: 'bytes', coefficient: 4, factors: [{ constant: 10, channels: [[1, 2]] as const }] },
  ];
  const kinds = [
    { name: 'macs', reduce: 'sum' },
    { name: 'bytes', reduce: 'peak' },
  ] as const;
  expect(await countCost({ groups: 2, kinds, terms }, [3, 5])).toEqual({ macs: 135, bytes: 80 });
  expect(await countCost({ groups: 2, kinds, terms }, Int32Array.of(0, 0))).toEqual({ macs: 0, bytes: 40 });
  await expect(countCost({ groups: 2, kinds, terms }, [3])).rejects.toThrow('channels.length');
  await expect(countCost({ groups: 2, kinds, terms }, [3, 1.5])).rejects.toThrow('channels[1]');
});
