module.exports = {
  hubspot: {
    input: "../openapi.json",
    output: { target: "client.ts", client: "fetch", baseUrl: process.env.HUBSPOT_BASE_URL },
  },
};
