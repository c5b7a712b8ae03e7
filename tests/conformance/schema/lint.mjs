// Lints a schema by graphql-eslint's recommended and Relay rules, and prints what it finds as JSON.
import { resolve } from "node:path";
import graphqlEslint from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";

// Values of an entity or of a moment: nothing that could be looked up again by an id.
const VALUES = [
  "Alternative", "Availability", "Baseline", "CalendarDay", "CostTerm", "PageInfo", "PolicyNumber",
  "Provenance", "PublicationDiff", "RankedEntry", "RankedResult", "RateLimit", "Report", "ReportLine",
  "ReportReach", "RequestDiff", "SearchProgress", "Unplaced", "Viewer", "Way",
];
const schema = resolve(process.argv[2]);
const { configs, parser } = graphqlEslint;
const eslint = new ESLint({
  cwd: resolve(schema, ".."),
  overrideConfigFile: true,
  overrideConfig: [
    {
      files: ["**/*.graphql"],
      plugins: { "@graphql-eslint": graphqlEslint },
      languageOptions: { parser, parserOptions: { graphQLConfig: { schema } } },
      rules: {
        ...configs["flat/schema-recommended"].rules,
        ...configs["flat/schema-relay"].rules,
        "@graphql-eslint/strict-id-in-types": [
          "error",
          { exceptions: { types: VALUES, suffixes: ["Payload", "Connection", "Edge", "Refusal"] } },
        ],
        // Connections give their rows as `nodes`, too, and short lists have no pages.
        "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
      },
    },
  ],
});
const found = (await eslint.lintFiles([schema])).flatMap(({ messages }) => messages);
process.stdout.write(JSON.stringify(found.map(({ line, ruleId, message }) => ({ line, ruleId, message }))));
