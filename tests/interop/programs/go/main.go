// gokrb5 as a client, and on both sides of SPNEGO over HTTP.
//
//	gopeer ticket password NAME WORD SERVICE      prints the enctypes of the service ticket's parts
//	gopeer ticket keytab NAME FILE SERVICE
//	gopeer ticket ccache - FILE SERVICE
//	gopeer serve KEYTAB SERVICE                   prints its port, serves HTTP with SPNEGO; reads the keytab once
//	gopeer follow KEYTAB SERVICE                  the same; reads the keytab for each request
//	gopeer get NAME WORD URL SERVICE              prints status and body
//
// KRB5_CONFIG names the krb5.conf. It ends with status 1 and a reason on standard error where something fails.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/jcmturner/goidentity/v6"
	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/service"
	"github.com/jcmturner/gokrb5/v8/spnego"
)

func main() {
	var err error
	switch args := os.Args[1:]; args[0] {
	case "ticket":
		err = ticket(args[1], args[2], args[3], args[4])
	case "serve":
		err = serve(args[1], args[2], false)
	case "follow":
		err = serve(args[1], args[2], true)
	case "get":
		err = get(args[1], args[2], args[3], args[4])
	default:
		err = fmt.Errorf("no such command: %s", args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func login(how, name, secret string) (*client.Client, error) {
	conf, err := config.Load(os.Getenv("KRB5_CONFIG"))
	if err != nil {
		return nil, err
	}
	realm := conf.LibDefaults.DefaultRealm
	switch how {
	case "password":
		user := client.NewWithPassword(name, realm, secret, conf)
		return user, user.Login()
	case "keytab":
		keys, err := keytab.Load(secret)
		if err != nil {
			return nil, err
		}
		user := client.NewWithKeytab(name, realm, keys, conf)
		return user, user.Login()
	case "ccache":
		cache, err := credentials.LoadCCache(secret)
		if err != nil {
			return nil, err
		}
		return client.NewFromCCache(cache, conf)
	}
	return nil, fmt.Errorf("no such way to log in: %s", how)
}

func ticket(how, name, secret, server string) error {
	user, err := login(how, name, secret)
	if err != nil {
		return err
	}
	ticket, key, err := user.GetServiceTicket(server)
	if err != nil {
		return err
	}
	fmt.Println("ticket", ticket.EncPart.EType, "session", key.KeyType)
	return nil
}

func serve(path, server string, follow bool) error {
	keys, err := keytab.Load(path)
	if err != nil {
		return err
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := goidentity.FromHTTPRequestContext(r)
		fmt.Fprintf(w, "hello %s of %s", id.UserName(), id.Domain())
	})
	authenticate := func(keys *keytab.Keytab) http.Handler {
		return spnego.SPNEGOKRB5Authenticate(hello, keys, service.KeytabPrincipal(server))
	}
	handler := authenticate(keys)
	if follow {
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			keys, err := keytab.Load(path)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			authenticate(keys).ServeHTTP(w, r)
		})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return http.Serve(listener, handler)
}

func get(name, word, url, server string) error {
	user, err := login("password", name, word)
	if err != nil {
		return err
	}
	response, err := spnego.NewClient(user, nil, server).Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body))
	return err
}
