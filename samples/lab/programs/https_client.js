// One HTTPS request by Node.js. Arguments: address, port, server name, authorities, certificate and key if any.
const fs = require("node:fs");
const https = require("node:https");

const [host, port, servername, ca, cert, key] = process.argv.slice(2);
const own = cert ? { cert: fs.readFileSync(cert), key: fs.readFileSync(key) } : {};
const request = https.get(
  { host, port: Number(port), path: "/orders", servername, ca: fs.readFileSync(ca), agent: false, ...own },
  (response) => response.resume(),
);
request.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
