import { RESIDUAL_FAMILIES } from '../models/residual-families.js';
import { testFamilies } from './families.js';

testFamilies(RESIDUAL_FAMILIES, {
  ecanet: { onSlices: "a convolution over the channels' neighbours" },
  // Where one group of the norm would be left, shares of it are cut, which changes its statistics.
  groupNormResnet: { minChannels: 2 },
  // What the spatial gate takes the mean and the maximum of stays, and the gate is one channel.
  cbam: { pinned: /is taken over these channels|has one channel/ },
});
