// HTTP/2 without TLS, for clients that know so beforehand.
const http2 = require("node:http2");

const [address, port] = process.argv.slice(2);
const server = http2.createServer((request, response) => {
  response.writeHead(request.url.startsWith("/missing") ? 404 : 200, { "content-type": "application/json", server: "catalogue/1.0" });
  response.end(JSON.stringify({ path: request.url, items: ["chair", "table", "lamp"] }));
});
server.listen(Number(port), address);
