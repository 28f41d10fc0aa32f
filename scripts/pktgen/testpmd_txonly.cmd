set fwd txonly
set txpkts 60
set burst 64
set eth-peer 0 02:00:00:00:00:02
start
