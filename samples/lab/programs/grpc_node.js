// A gRPC peer on grpc-js. Arguments: serve or call, address:port, then key=value: ca, cert, key, name, auth, and metadata.
const fs = require("node:fs");
const { createRequire } = require("node:module");
const grpc = createRequire(process.env.LAB_NODE + "/")("@grpc/grpc-js");

const [what, address, ...rest] = process.argv.slice(2);
const words = Object.fromEntries(rest.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
const file = (name) => (words[name] ? fs.readFileSync(words[name]) : null);
const same = (value) => value;
const unary = (path) => ({
  path, requestStream: false, responseStream: false, requestSerialize: same, requestDeserialize: same, responseSerialize: same,
  responseDeserialize: same,
});
const methods = { Reserve: unary("/shop.v1.Inventory/Reserve"), Charge: unary("/shop.v1.Payments/Charge") };

if (what === "serve") {
  const server = new grpc.Server();
  for (const [name, definition] of Object.entries(methods)) {
    server.addService({ [name]: definition }, { [name]: (call, answer) => answer(null, call.request) });
  }
  const pair = [{ cert_chain: file("cert"), private_key: file("key") }];
  const credentials = words.cert
    ? grpc.ServerCredentials.createSsl(file("ca"), pair, Boolean(words.ca) && words.auth !== "none")
    : grpc.ServerCredentials.createInsecure();
  server.bindAsync(address, credentials, (error) => {
    if (error) throw error;
  });
} else {
  const credentials = words.ca
    ? grpc.credentials.createSsl(file("ca"), file("key"), file("cert"))
    : grpc.credentials.createInsecure();
  const client = new grpc.Client(address, credentials, words.name ? { "grpc.ssl_target_name_override": words.name } : {});
  const metadata = new grpc.Metadata();
  for (const key of ["x-api-key", "authorization"]) if (words[key]) metadata.set(key, words[key]);
  const text = Buffer.from([10, 4, ...Buffer.from("lamp")]);
  const ask = (name, then) =>
    client.makeUnaryRequest(methods[name].path, same, same, text, metadata, (error) => {
      if (error) {
        console.error(error.message);
        process.exitCode = 1;
      }
      then();
    });
  const close = () => client.close();
  ask("Reserve", process.env.LAB_CALLS === "1" ? close : () => ask("Charge", close));
}
