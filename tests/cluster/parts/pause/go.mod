// The program of the pause image, see main.go.
module kennel.dev/tests/cluster/pause

go 1.26.0
