// Writes of 16 bytes into a sink of one's own.   node custom.js COUNT [later]
const count = Number(process.argv[2]);
const later = process.argv[3] === 'later';
let bytes = 0, i = 0;
const ws = new (require('stream').Writable)({
  decodeStrings: false,
  write(chunk, encoding, done) {
    bytes += chunk.length;
    if (later) process.nextTick(done);
    else done();
  },
});
const chunk = 'x'.repeat(16);
(function go() {
  while (i < count) {
    i++;
    if (!ws.write(chunk)) return ws.once('drain', go);
  }
  ws.end();
})();
