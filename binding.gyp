# node-gyp reads this name only; what is built stands in bindings.gyp.
{
  "includes": ["bindings.gyp"],
}
