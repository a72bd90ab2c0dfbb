import { expect, test } from '@jest/globals';
import { narrowFloat16, widenFloat16 } from '../../lib/formats/onnx/half.js';

/** Every float16 from 0 to the largest, ascending. */
const patterns = Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits);
const values = widenFloat16(patterns);

test('every float16 comes back from float32 as it was, with either sign', () => {
  expect(narrowFloat16(values)).toEqual(patterns);
  expect(narrowFloat16(values.map((value) => -value))).toEqual(patterns.map((bits) => bits | 0x8000));
});

test('between two float16 the nearer one is taken, of equally near ones the even one', () => {
  const middles = Float32Array.from({ length: 0x7bff }, (_, at) => ((values[at] ?? 0) + (values[at + 1] ?? 0)) / 2);
  const words = new Uint32Array(middles.buffer);
  const even = patterns.subarray(0, 0x7bff).map((bits) => bits + (bits % 2));
  expect(narrowFloat16(middles)).toEqual(even);
  expect(narrowFloat16(new Float32Array(words.map((word) => word - 1).buffer))).toEqual(patterns.subarray(0, 0x7bff));
  expect(narrowFloat16(new Float32Array(words.map((word) => word + 1).buffer))).toEqual(patterns.subarray(1));
});

test('beyond the largest float16 it is the largest; what is no number stays none', () => {
  const beyond = Float32Array.of(65519, 65520, 1e30, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-30);
  expect([...narrowFloat16(beyond)]).toEqual([0x7bff, 0x7bff, 0x7bff, 0x7bff, 0xfbff, 0]);
  expect(widenFloat16(narrowFloat16(Float32Array.of(Number.NaN)))[0]).toBeNaN();
});
