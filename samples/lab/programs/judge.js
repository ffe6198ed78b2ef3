// One HTTPS request by Node.js. Arguments: address, port, then key=value: name, ca, crl, lax (verify nothing).
const fs = require("node:fs");
const https = require("node:https");

const [host, port, ...rest] = process.argv.slice(2);
const words = Object.fromEntries(rest.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
const crl = words.crl ? { crl: fs.readFileSync(words.crl) } : {};
const request = https.get(
  {
    host, port: Number(port), path: "/orders", servername: words.name, ca: fs.readFileSync(words.ca), agent: false,
    rejectUnauthorized: !words.lax, ...crl,
  },
  (response) => response.resume(),
);
request.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
