// Chunks of 16 bytes from a source through a transform into a sink, all three of one's own.
//   node transform.js COUNT
const { Readable, Transform, Writable, pipeline } = require('stream');
const count = Number(process.argv[2]);
const chunk = Buffer.alloc(16, 'x');
let bytes = 0, i = 0;
const source = new Readable({
  read() {
    while (i < count) {
      i++;
      if (!this.push(chunk)) return;
    }
    this.push(null);
  },
});
const same = new Transform({ transform(piece, encoding, done) { done(null, piece); } });
const sink = new Writable({
  write(piece, encoding, done) {
    bytes += piece.length;
    done();
  },
});
pipeline(source, same, sink, (error) => {
  if (error || bytes !== 16 * count) throw error || new Error('lost');
});
