// A server as people write it with node:http.
const http = require("node:http");

const large = Buffer.from("0123456789abcdef".repeat(1 << 16));

http
  .createServer((request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain" });
    response.end(request.url === "/large" ? large : "hello from Node\n");
  })
  .listen(3000, "0.0.0.0", () => console.log("listening on port 3000"));
