// Native code (TensorFlow, ONNX Runtime, the addon) makes typed arrays and errors with the host's constructors, while
// jest gives each test file a VM context with its own: share the host's, so that `instanceof` means the same in both.
const { TestEnvironment } = require('jest-environment-node');

const SHARED = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'Uint8Array',
  'Int8Array',
  'Uint8ClampedArray',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Object',
  'Array',
  'Promise',
  'Map',
  'Set',
];

// A test's process.env is a copy, which TensorFlow's C library does not read.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
process.env.TF_NUM_INTEROP_THREADS ??= '1';
process.env.ORT_DISABLE_TELEMETRY ??= '1';

module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of SHARED) this.global[name] = globalThis[name];
    this.global.process.env = new Proxy(this.global.process.env, {
      set(copy, name, value) {
        // What the engine decides before it loads TensorFlow, which must read it.
        if (name === 'TF_ENABLE_ONEDNN_OPTS' && value === '0') process.env[name] = value;
        return Reflect.set(copy, name, value);
      },
    });
  }
};
