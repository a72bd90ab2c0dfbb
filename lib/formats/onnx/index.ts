export { type DecodeOptions, decodeOnnx, readOnnx } from './read.js';
export { encodeOnnx, type WriteOptions, writeOnnx } from './write.js';
