// The rooms of the house, from the top down: a file imports only from its own room and from rooms below it.
const ROOMS = [
  'cli',
  'index',
  'run',
  'config',
  'report',
  'search',
  'prune',
  'train',
  'validate',
  'engine',
  'data',
  'formats',
  'surgery',
  'analyze',
  'ops',
  'graph',
  'journal',
  'native',
  'errors',
];

const pathOf = (room) => `^lib/${room}(/|\\.ts$)`;

module.exports = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'known-room', severity: 'error', from: { path: '^lib/', pathNot: ROOMS.map(pathOf) }, to: {} },
    ...ROOMS.slice(1).map((room, index) => ({
      name: `${room}-imports-down`,
      severity: 'error',
      from: { path: pathOf(room) },
      to: { path: ROOMS.slice(0, index + 1).map(pathOf) },
    })),
    {
      name: 'engine-free',
      comment:
        'Inspecting and pruning never load TensorFlow or ONNX Runtime; the operators know the types of tfjs-core only.',
      severity: 'error',
      from: { path: ['formats', 'surgery', 'analyze', 'ops', 'graph', 'native'].map(pathOf) },
      to: { path: 'node_modules/(@tensorflow/tfjs-(node|backend)|onnxruntime-node)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'types'],
    },
  },
};
