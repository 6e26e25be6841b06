#!/usr/bin/env bash
# A throw-away real SLURM (Debian 12's packages, 22.05) on one bare machine, for the tests.
#   cluster.sh up|status|down|purge|env|packages|ctld-restart|dbd-down|dbd-up|node-down NAME [now]|node-up NAME
# Everything lives under $SWEEPER_SLURM_DIR; all traffic is on 127.0.0.1; run as root; no systemd needed.
set -euo pipefail

BASE=${SWEEPER_SLURM_DIR:-/tmp/sweeper-slurm}
NODES=${SWEEPER_SLURM_NODES:-4}            # slurmd daemons n1..nN
CPUS=${SWEEPER_SLURM_CPUS:-4}              # CPUs each node claims (need not be real)
MEM=${SWEEPER_SLURM_MEM:-4000}             # MB each node claims
GPUS=${SWEEPER_SLURM_GPUS:-2}              # fake GPUs per node
ACCT=${SWEEPER_SLURM_ACCT:-1}              # 1: slurmdbd+MariaDB (sacct works); 0: no accounting
KILL=${SWEEPER_SLURM_KILL:-0}                # 1: a job that takes more memory than it asked for is killed
PORT=${SWEEPER_SLURM_PORT:-16800}          # +1 ctld, +2 dbd, +3 mariadb, +10+i slurmd i
HOST=$(hostname -s)
CONF=$BASE/etc/slurm.conf
export SLURM_CONF=$CONF

say() { printf '[cluster] %s\n' "$*" >&2; }
alive() { # pidfile comm -> true if that process runs (a zombie has no exe link: PID 1 here may not reap)
  local p; p=$(cat "$1" 2>/dev/null) || return 1
  [ -n "$p" ] && readlink "/proc/$p/exe" >/dev/null 2>&1 && [[ "$(cat "/proc/$p/comm" 2>/dev/null)" == "$2"* ]]
}
wait_for() { # seconds, what, command...
  local n=$(( $1 * 20 )) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    n=$((n-1)); [ $n -gt 0 ] || { say "timed out waiting for $what: $("$@" 2>&1 | tail -3)"; return 1; }
    sleep 0.05
  done
}

install_pkgs() { # one at a time: tests in several processes bring clusters up at once
  ( flock 9; install_missing ) 9>/tmp/sweeper-slurm-packages.lock
}
install_missing() {
  local want=(munge slurmctld slurmd slurm-client) missing=() p policy=0
  [ "$ACCT" = 1 ] && want+=(slurmdbd mariadb-server-core mariadb-client-core)
  for p in "${want[@]}"; do
    dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  say "installing ${missing[*]}"
  # keep the packages' init scripts from starting daemons of their own
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d; policy=1
  fi
  local log; log=$(mktemp)
  apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 ${SWEEPER_SLURM_APT_OPTS:-} "${missing[@]}" >"$log" 2>&1
  }
  apt_install || { apt-get update -q >>"$log" 2>&1; apt_install; } || { cat "$log" >&2; exit 1; }
  [ $policy = 1 ] && rm -f /usr/sbin/policy-rc.d
  rm -f "$log"
}

write_conf() {
  mkdir -p "$BASE"/{etc,run,log,state,spool,munge,dev}
  chmod 755 "$BASE" "$BASE/run" "$BASE/munge"; chmod 700 "$BASE/state"
  local i gpufiles
  if [ "$GPUS" -gt 0 ]; then
    # CUDA_VISIBLE_DEVICES is set only if File= names character devices; these are /dev/null under other names
    for ((i=0; i<GPUS; i++)); do [ -c "$BASE/dev/fakegpu$i" ] || mknod -m 666 "$BASE/dev/fakegpu$i" c 1 3; done
    gpufiles="$BASE/dev/fakegpu[0-$((GPUS-1))]"
    printf 'NodeName=n[1-%d] Name=gpu File=%s\n' "$NODES" "$gpufiles" >"$BASE/etc/gres.conf"
  else
    : >"$BASE/etc/gres.conf"
  fi
  printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$BASE/etc/cgroup.conf"
  {
    cat <<CFG
ClusterName=probe
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$((PORT+1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# cred_expire is also how long a requeued job must wait before it starts again (default 120 s; below 5 is refused)
AuthInfo=socket=$BASE/run/munge.socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$BASE/state
SlurmdSpoolDir=$BASE/spool/%n
SlurmctldPidFile=$BASE/run/slurmctld.pid
SlurmdPidFile=$BASE/run/slurmd.%n.pid
SlurmctldLogFile=$BASE/log/slurmctld.log
SlurmdLogFile=$BASE/log/slurmd.%n.log
MailProg=/bin/true
MpiDefault=none
SwitchType=switch/none
# no cgroups, no real core binding: nodes are fictions on one host
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SlurmdParameters=config_overrides
$([ "$KILL" = 1 ] && printf '%s\n' JobAcctGatherType=jobacct_gather/linux JobAcctGatherFrequency=task=1 \
  JobAcctGatherParams=OverMemoryKill,UsePss || echo JobAcctGatherType=jobacct_gather/none)
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=400
GresTypes=gpu
ReturnToService=2
JobRequeue=1
# small, so that a test meets it
MaxArraySize=101
MinJobAge=300
# quick reactions
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1,bf_resolution=1,requeue_setup_env_fail
PriorityType=priority/basic
CompleteWait=0
KillWait=2
InactiveLimit=0
Waittime=0
SlurmctldTimeout=10
SlurmdTimeout=6
BatchStartTimeout=20
MessageTimeout=10
EpilogMsgTime=0
OverTimeLimit=0
# preemption by partition
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
CFG
    if [ "$ACCT" = 1 ]; then cat <<CFG
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT+2))
AccountingStoragePass=$BASE/run/munge.socket
AccountingStorageTRES=gres/gpu
CFG
    else echo "AccountingStorageType=accounting_storage/none"; fi
    local gres=; [ "$GPUS" -gt 0 ] && gres="Gres=gpu:$GPUS"
    for ((i=1; i<=NODES; i++)); do
      echo "NodeName=n$i NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT+10+i)) CPUs=$CPUS RealMemory=$MEM $gres State=UNKNOWN"
    done
    cat <<CFG
PartitionName=main Nodes=ALL Default=YES MaxTime=60 DefaultTime=10 PriorityTier=10 PreemptMode=OFF State=UP
PartitionName=low  Nodes=ALL MaxTime=60 DefaultTime=10 PriorityTier=1 PreemptMode=REQUEUE GraceTime=20 State=UP
PartitionName=one  Nodes=n1 MaxTime=60 DefaultTime=10 PriorityTier=10 PreemptMode=OFF State=UP
CFG
  } >"$CONF.new"
  mv "$CONF.new" "$CONF"
  if [ "$ACCT" = 1 ]; then
    (umask 077; cat >"$BASE/etc/slurmdbd.conf" <<CFG
AuthType=auth/munge
AuthInfo=socket=$BASE/run/munge.socket
DbdHost=$HOST
DbdAddr=127.0.0.1
DbdPort=$((PORT+2))
SlurmUser=root
LogFile=$BASE/log/slurmdbd.log
PidFile=$BASE/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((PORT+3))
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
CommunicationParameters=NoInAddrAny
CFG
    )
  fi
}

start_munge() {
  alive "$BASE/run/munged.pid" munged && return 0
  if [ ! -s "$BASE/munge/munge.key" ]; then
    (umask 077; head -c 128 /dev/urandom >"$BASE/munge/munge.key")
  fi
  rm -f "$BASE/run/munge.socket"*
  munged --socket="$BASE/run/munge.socket" --key-file="$BASE/munge/munge.key" \
    --pid-file="$BASE/run/munged.pid" --log-file="$BASE/log/munged.log" \
    --seed-file="$BASE/munge/munge.seed" --num-threads=4
  wait_for 10 munged munge -n -S "$BASE/run/munge.socket"
}

MYCLI() { mariadb --no-defaults --socket="$BASE/run/mariadb.socket" -uroot "$@"; }
start_db() {
  [ "$ACCT" = 1 ] || return 0
  if ! alive "$BASE/run/mariadb.pid" mariadbd; then
    if [ ! -e "$BASE/db/.ready" ]; then
      rm -rf "$BASE/db"; mkdir -p "$BASE/db"
      mariadb-install-db --no-defaults --user=root --datadir="$BASE/db" --skip-test-db --skip-name-resolve \
        --auth-root-authentication-method=normal --innodb-log-file-size=8M >"$BASE/log/mariadb-install.log" 2>&1
      touch "$BASE/db/.ready"
    fi
    setsid mariadbd --no-defaults --user=root --datadir="$BASE/db" --socket="$BASE/run/mariadb.socket" \
      --pid-file="$BASE/run/mariadb.pid" --bind-address=127.0.0.1 --port=$((PORT+3)) --skip-name-resolve \
      --innodb-buffer-pool-size=64M --innodb-log-file-size=8M --innodb-flush-log-at-trx-commit=0 \
      --innodb-lock-wait-timeout=900 --skip-log-bin --performance-schema=OFF \
      --log-error="$BASE/log/mariadb.log" </dev/null >/dev/null 2>&1 &
    wait_for 30 mariadb MYCLI -e 'select 1'
    MYCLI -e "create database if not exists slurm_acct_db; create user if not exists 'slurm'@'127.0.0.1' identified by 'slurm'; grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1';"
  fi
}
dbd_up() { sacctmgr -n -P show cluster format=cluster; }
start_dbd() {
  [ "$ACCT" = 1 ] || return 0
  if ! alive "$BASE/run/slurmdbd.pid" slurmdbd; then
    rm -f "$BASE/run/slurmdbd.pid"
    (cd "$BASE" && SLURM_CONF=$CONF slurmdbd)
    wait_for 60 slurmdbd dbd_up
  fi
  dbd_up | grep -qx probe || sacctmgr -i -Q add cluster probe >/dev/null
}
start_ctld() {
  alive "$BASE/run/slurmctld.pid" slurmctld && return 0
  (cd "$BASE" && slurmctld)
  wait_for 30 slurmctld scontrol ping
}
start_node() {
  alive "$BASE/run/slurmd.$1.pid" slurmd && return 0
  mkdir -p "$BASE/spool/$1"
  (cd "$BASE" && slurmd -N "$1")
}
nodes_idle() {
  [ "$(sinfo -h -N -p main -o '%t' | grep -cE '^(idle|mix|alloc)$')" = "$NODES" ]
}
stop_pid() { # pidfile comm
  local p; alive "$1" "$2" || { rm -f "$1"; return 0; }
  p=$(cat "$1"); kill "$p" 2>/dev/null || true
  wait_for 10 "$2 ($p) to end" bash -c "! [ -d /proc/$p ] || grep -q '^State:.Z' /proc/$p/status" || kill -9 "$p" 2>/dev/null || true
  rm -f "$1"
}

up() {
  [ "$(id -u)" = 0 ] || { say "run as root"; exit 1; }
  install_pkgs
  write_conf
  start_munge
  start_db
  start_dbd
  start_ctld
  local i; for ((i=1; i<=NODES; i++)); do start_node "n$i"; done
  # nodes left DOWN/DRAINED by an earlier test
  sinfo -h -N -t down,drain -o '%N' 2>/dev/null | sort -u | while read -r n; do
    scontrol update nodename="$n" state=resume 2>/dev/null || true; done
  if ! wait_for 60 "idle nodes" nodes_idle; then sinfo -N -l >&2; tail -n 20 "$BASE"/log/slurm*.log >&2; exit 1; fi
  say "up: $(sinfo -h -p main -o '%D nodes %t' | paste -sd,) ; export SLURM_CONF=$CONF"
}
down() {
  local i f n
  if alive "$BASE/run/slurmctld.pid" slurmctld; then
    squeue -h -o %A 2>/dev/null | sort -u | xargs -r scancel 2>/dev/null || true
    wait_for 8 "jobs to end" bash -c '[ -z "$(squeue -h)" ]' || true
  fi
  for f in "$BASE"/run/slurmd.*.pid; do [ -e "$f" ] && stop_pid "$f" slurmd; done
  stop_pid "$BASE/run/slurmctld.pid" slurmctld
  stop_pid "$BASE/run/slurmdbd.pid" slurmdbd
  stop_pid "$BASE/run/mariadb.pid" mariadbd
  stop_pid "$BASE/run/munged.pid" munged
  say "down"
}
status() {
  local f
  for f in munged:munged mariadb:mariadbd slurmdbd:slurmdbd slurmctld:slurmctld; do
    if alive "$BASE/run/${f%%:*}.pid" "${f##*:}"; then echo "${f%%:*} pid $(cat "$BASE/run/${f%%:*}.pid")"; else echo "${f%%:*} -"; fi
  done
  for f in "$BASE"/run/slurmd.*.pid; do [ -e "$f" ] && echo "$(basename "$f" .pid) pid $(cat "$f") $(alive "$f" slurmd && echo up || echo dead)"; done
  alive "$BASE/run/slurmctld.pid" slurmctld && { sinfo -N -o '%N %t %c %m %G %P'; squeue; } || return 1
}

# The "machine" dies: slurmd, its slurmstepds and everything below them get SIGKILL (killing slurmd alone leaves
# the job running). With a third word "now" slurmctld is told at once instead of finding out by its pings.
tree() { local c; echo "$1"; for c in $(cat /proc/"$1"/task/*/children 2>/dev/null); do tree "$c"; done; }
node_down() {
  local p f pids=()
  for p in $(pgrep -x slurmstepd || true); do
    for f in /proc/"$p"/fd/*; do
      [ "$(readlink "$f" 2>/dev/null)" = "$BASE/log/slurmd.$1.log" ] && { pids+=($(tree "$p")); break; }
    done
  done
  alive "$BASE/run/slurmd.$1.pid" slurmd && pids+=("$(cat "$BASE/run/slurmd.$1.pid")")
  [ ${#pids[@]} -gt 0 ] && kill -9 "${pids[@]}" 2>/dev/null || true
  rm -f "$BASE/run/slurmd.$1.pid"
  [ "${2:-}" = now ] && scontrol update nodename="$1" state=down reason=test
  say "node $1 down (killed ${pids[*]:-nothing})"
}

ctld_restart() {
  stop_pid "$BASE/run/slurmctld.pid" slurmctld
  sleep "${1:-0}"
  start_ctld
}

case "${1:-}" in
  packages) install_pkgs ;;
  ctld-restart) ctld_restart "${2:-0}" ;;
  dbd-down) stop_pid "$BASE/run/slurmdbd.pid" slurmdbd ;;
  dbd-up) start_dbd ;;
  up) up ;;
  down) down ;;
  purge) down; rm -rf "$BASE" ;;
  status) status ;;
  env) echo "export SLURM_CONF=$CONF" ;;
  node-down) node_down "$2" "${3:-}" ;;
  node-up) start_node "$2" ;;
  *) sed -n '3s/^# *//p' "$0" >&2; exit 2 ;;
esac
