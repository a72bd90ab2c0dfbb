import { expect, test } from '@jest/globals';
import { shortNames } from '../../lib/search/short-names.js';

test('a name is told by the shortest end of its path that no other has', () => {
  const names = [
    'net/net/conv_1/Conv2D_Fold_net/net/conv_1:width',
    'net/net/conv_12/Conv2D_Fold_net/net/conv_12:width',
    'a/block/conv:kernel',
    'b/block/conv:kernel',
    'conv:kernel',
    'features.9:kernel',
    'network:truncate',
    'trailing/',
  ];
  expect([...shortNames(names)]).toEqual([
    [names[0], 'conv_1:width'],
    [names[1], 'conv_12:width'],
    [names[2], names[2]],
    [names[3], names[3]],
    ['conv:kernel', 'conv:kernel'],
    ['features.9:kernel', 'features.9:kernel'],
    ['network:truncate', 'network:truncate'],
    ['trailing/', 'trailing/'],
  ]);
});
