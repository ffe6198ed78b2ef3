// Asks for each path in turn over one HTTP/2 connection without TLS. Arguments: origin, paths.
const http2 = require("node:http2");

const [origin, ...paths] = process.argv.slice(2);
const session = http2.connect(origin);

function ask(index) {
  if (index === paths.length) return session.close();
  const stream = session.request({ ":path": paths[index], "user-agent": "catalogue-client/1.0" });
  stream.on("data", () => {});
  stream.on("end", () => ask(index + 1));
}
ask(0);
