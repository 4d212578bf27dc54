// A server as people write it with node:http.
const http = require("node:http");

const small = Buffer.from("hello from Node\n");
const large = Buffer.from("0123456789abcdef".repeat(1 << 16));

http
  .createServer((request, response) => {
    const body = request.url === "/large" ? large : small;
    response.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length });
    response.end(body);
  })
  .listen(3000, "0.0.0.0", () => console.log("listening on port 3000"));
