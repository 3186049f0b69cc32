FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY src src
RUN npm run build
# ENGINE=false leaves out the built-in engine, and with it all that is under the GPL.
ARG ENGINE=true
RUN npm prune --omit=dev $([ "$ENGINE" = true ] || echo --omit=optional)

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000 DATA_DIR=/data
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json schema.graphql LICENSE README.md CHANGELOG.md ./
COPY drizzle/postgres drizzle/postgres
COPY drizzle/sqlite drizzle/sqlite
COPY src/sample/*.mp4 src/sample/*.m4a src/sample/
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the process that gets SIGTERM.
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["serve"]
