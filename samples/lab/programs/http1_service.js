// An HTTP/1.1 service: keep-alive, and answers of unknown length, hence chunked.
const http = require("node:http");

const [address, port] = process.argv.slice(2);
http
  .createServer((request, response) => {
    let received = 0;
    request.on("data", (data) => (received += data.length));
    request.on("end", () => {
      response.writeHead(request.method === "POST" ? 201 : 200, { "Content-Type": "application/json", Server: "orders/2.1" });
      response.write(`{"path":${JSON.stringify(request.url)},`);
      setTimeout(() => response.end(`"received":${received}}`), 10);
    });
  })
  .listen(Number(port), address);
