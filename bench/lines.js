// A million lines, built one by one, into a file.   node lines.js COUNT PATH
const count = Number(process.argv[2]);
const ws = require('fs').createWriteStream(process.argv[3]);
let i = 0;
(function go() {
  while (i < count) {
    i++;
    if (!ws.write('Line ' + i + '\n')) return ws.once('drain', go);
  }
  ws.end();
})();
