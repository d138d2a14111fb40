// Chunks of 64 KiB into a file.   node chunks.js COUNT PATH
const count = Number(process.argv[2]);
const chunk = Buffer.from('0123456789abcdef'.repeat(4096));
const ws = require('fs').createWriteStream(process.argv[3]);
let i = 0;
(function go() {
  while (i < count) {
    i++;
    if (!ws.write(chunk)) return ws.once('drain', go);
  }
  ws.end();
})();
