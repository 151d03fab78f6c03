/** Three processes behind one address. docs/operations.md has what a public server needs besides. */
export function nginxConfig (folder: string, listen: string, ports: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder}/${name};`)
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid ${folder}/nginx.pid;
error_log stderr crit;
worker_processes 1;
events { worker_connections 512; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  map $http_upgrade $connection_upgrade {
    websocket upgrade;
    default   '';
  }
  upstream processes {
    # Nothing ties a client to a process: each connection goes to the one that has the fewest.
    least_conn;
    ${ports.map(port => `server 127.0.0.1:${port} max_fails=1 fail_timeout=1s;`).join('\n    ')}
  }
  server {
    listen ${listen};
    location / {
      proxy_pass http://processes;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header Host $http_host;
      proxy_connect_timeout 1s;
      proxy_next_upstream error timeout http_503;
    }
  }
}
`
}
