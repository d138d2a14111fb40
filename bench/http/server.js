// The server of make bench-http, in Node: see server.lua.
const http = require('http');
const piece = Buffer.alloc(65536, 'x');

function stream(response, count) {
  let i = 0;
  (function more() {
    while (i < count) {
      i++;
      if (!response.write(piece)) return response.once('drain', more);
    }
    response.end();
  })();
}

const server = http.createServer((request, response) => {
  const found = /^\/stream\/(\d+)$/.exec(request.url);
  if (found) return stream(response, Number(found[1]));
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.end('Hello, world!');
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(server.address().port);
});
