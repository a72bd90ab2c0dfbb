module.exports = () => globalThis.removeTestFolder();
