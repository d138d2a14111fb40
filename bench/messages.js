// Small messages over TCP.   node messages.js COUNT PORT [CONNECTIONS]
const [count, port, connections] = [2, 3, 4].map(i => Number(process.argv[i] || 1));
const message = Buffer.from('m'.repeat(connections > 1 ? 1024 : 64));
function open() {
  let i = 0;
  const socket = require('net').connect(port, '127.0.0.1', function go() {
    while (i < count) {
      i++;
      if (!socket.write(message)) return socket.once('drain', go);
    }
    socket.end();
  });
  socket.resume();
}
for (let n = 0; n < connections; n++) open();
